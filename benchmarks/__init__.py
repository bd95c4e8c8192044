"""Every claim about speed or quality, beside the peer that it names."""
