"""`report.html`: the content of `report.json` as one page that needs no network and no server."""
