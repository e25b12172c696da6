// SPDX-License-Identifier: BSD-2-Clause
// Draws the charts of the page with Chart.js, in the colours of the reader's light or dark theme, and shows
// the results as JSON. All that it draws is in the page's two JSON elements.
"use strict";

(() => {
  // In CSS pixels: the height of a bar, of the name above a group, and of the axis.
  const BAR = 13;
  const NAME = 22;
  const AXIS = 30;

  const content = (id) => document.getElementById(id).textContent;
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const plain = (value) => value.toLocaleString("en", { maximumFractionDigits: value < 1000 ? 2 : 0 });
  // Beside a bar a phone has no room for more than eight digits.
  const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
  const beside = (value) => (value < 1e7 ? plain(value) : short.format(value));

  // Writes each value at the end of its bar.
  const values = {
    id: "values",
    afterDatasetsDraw(chart) {
      const { ctx, chartArea } = chart;
      ctx.save();
      ctx.font = "11px system-ui, sans-serif";
      ctx.fillStyle = colour("text");
      ctx.textBaseline = "middle";
      chart.data.datasets.forEach((dataset, index) => {
        if (!chart.isDatasetVisible(index)) return;
        chart.getDatasetMeta(index).data.forEach((bar, at) => {
          const value = dataset.data[at];
          if (value === null || value === undefined) return;
          const end = Number.isFinite(bar.x) ? Math.max(bar.x, chartArea.left) : chartArea.left;
          ctx.fillText(beside(value), end + 4, bar.y + 0.5);
        });
      });
      ctx.restore();
    },
  };

  // A logarithmic scale begins below the smallest value, so that this has a bar, too. On the right there is
  // room for the values.
  function scaleOf(spec) {
    if (!spec.logarithmic) return { type: "linear", min: 0, max: spec.largest * 1.15 };
    const decades = Math.log10(spec.largest / spec.smallest) + 1;
    return { type: "logarithmic", min: spec.smallest / 2, max: spec.largest * 10 ** (decades * 0.2) };
  }

  // Of a logarithmic scale only the powers of ten have room.
  function axisOf(spec) {
    return {
      ...scaleOf(spec),
      grid: { color: colour("line") },
      ticks: {
        color: colour("dim"),
        maxRotation: 0,
        includeBounds: false,
        callback: (value) =>
          spec.logarithmic && !Number.isInteger(Math.log10(value)) ? "" : short.format(value),
      },
    };
  }

  function draw(canvas, spec) {
    const bars = spec.series.length * BAR;
    canvas.parentElement.style.height = `${AXIS + spec.labels.length * (NAME + bars)}px`;
    return new Chart(canvas, {
      type: "bar",
      data: {
        labels: spec.labels,
        datasets: spec.series.map((series) => ({
          label: series.label,
          data: series.values,
          backgroundColor: colour(series.colour) + (series.faded ? "80" : ""),
          categoryPercentage: bars / (NAME + bars),
          barPercentage: 0.9,
        })),
      },
      options: {
        indexAxis: "y",
        animation: false,
        maintainAspectRatio: false,
        plugins: {
          legend: { display: false },
          tooltip: { callbacks: { label: (item) => `${item.dataset.label}: ${plain(item.raw)}` } },
        },
        scales: {
          x: axisOf(spec),
          y: {
            grid: { display: false },
            // The name stands above its group, within the chart: a phone has no room beside it.
            ticks: {
              autoSkip: false,
              color: colour("text"),
              mirror: true,
              padding: 0,
              labelOffset: -bars / 2 - 7,
              z: 1,
            },
          },
        },
      },
      plugins: [values],
    });
  }

  const specs = JSON.parse(content("charts"));
  let drawn = [];
  function drawAll() {
    drawn.forEach((chart) => chart.destroy());
    drawn = specs.map((spec, index) => draw(document.getElementById(`chart${index}`), spec));
  }
  drawAll();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);

  const raw = () => JSON.stringify(JSON.parse(content("results")), null, 2);
  document.getElementById("raw").addEventListener("toggle", (event) => {
    event.target.querySelector("pre").textContent = raw();
  });
  document.getElementById("save").href = URL.createObjectURL(new Blob([raw()], { type: "application/json" }));
})();
