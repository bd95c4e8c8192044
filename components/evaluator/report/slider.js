"use strict";
// Shows rates and gaps at the slider's threshold. They are computed from how many positive and negative rows have a
// score in each hundredth; at the report's own threshold, the numbers that the page came with are restored.
(() => {
  const data = JSON.parse(document.getElementById("threshold-data").textContent);
  const section = document.getElementById("threshold");
  const [control, slider, output, button] = [".control", "input", "output", "button"].map((name) =>
    section.querySelector(name),
  );
  const cells = [...section.querySelectorAll("[data-rate], [data-gap], [data-threshold]")].map((element) => ({
    element,
    start: element.textContent,
    ...element.dataset,
  }));

  // From the rows in each hundredth to the rows at or above it.
  function above(counts) {
    const sums = [...counts];
    for (let step = sums.length - 2; step >= 0; step--) sums[step] += sums[step + 1];
    return sums;
  }
  const read = (counts) => counts.map(above);
  const all = read(data.all);
  const groups = data.groups.map((slices) => slices.map(read));

  const divide = (part, whole) => (whole ? part / whole : null);

  function ratesAt([positive, negative], step) {
    const [tp, fp, positives, negatives] = [positive[step], negative[step], positive[0], negative[0]];
    return {
      selection_rate: divide(tp + fp, positives + negatives),
      tpr: divide(tp, positives),
      fpr: divide(fp, negatives),
      precision: divide(tp, tp + fp),
      accuracy: divide(tp + negatives - fp, positives + negatives),
    };
  }

  function gapBetween(slices, { kind, metrics }) {
    const columns = metrics
      .map((metric) => slices.map((rates) => rates[metric]).filter((rate) => rate !== null))
      .filter((column) => column.length > 1);
    if (!columns.length) return null;
    if (kind === "ratio") return divide(Math.min(...columns[0]), Math.max(...columns[0]));
    return Math.max(...columns.map((column) => Math.max(...column) - Math.min(...column)));
  }

  const share = (value) => (value === null ? "–" : `${(100 * value).toFixed(1)}\u00a0%`);

  function number(value) {
    if (value === null) return "–";
    return value >= 0.001 ? value.toFixed(3) : String(Number(value.toPrecision(4)));
  }

  function show() {
    const position = Number(slider.value);
    const text = data.texts[position];
    const atStart = position === data.start;
    output.textContent = text;
    slider.setAttribute("aria-valuetext", text);
    button.disabled = atStart;
    if (atStart) {
      for (const { element, start } of cells) element.textContent = start;
      return;
    }
    const step = data.steps[position];
    const overall = ratesAt(all, step);
    const found = groups.map((slices) => slices.map((counts) => ratesAt(counts, step)));
    for (const { element, group, slice, rate, gap } of cells) {
      if (rate) element.textContent = share((slice === "all" ? overall : found[group][slice])[rate]);
      else if (gap) element.textContent = number(gapBetween(found[group], data.gaps[gap]));
      else element.textContent = text;
    }
  }

  slider.addEventListener("input", show);
  button.addEventListener("click", () => {
    slider.value = data.start;
    show();
    slider.focus();
  });
  slider.value = data.start;
  show();
  control.hidden = false;
})();
