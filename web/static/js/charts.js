// Charts that answer: point at one, or move along it with the arrow keys, and it says what stands there. Until then,
// and without this, a chart is the same picture with its table. Vega comes when somebody first points at a chart; it
// interprets its expressions (`ast`), since the desk allows no code made from text.
let vega = null;

async function drawn(chart, spec) {
  vega ??= import(chart.dataset.vega);
  const { embed } = await vega;
  const stage = document.createElement("div");
  stage.ariaHidden = "true"; // the picture's sentence and the words at the hand say it all
  const options = { ast: true, renderer: "svg", actions: false, defaultStyle: false, tooltip: () => {} };
  const { view } = await embed(stage, spec, options);
  chart.querySelector("[role=img]").replaceChildren(stage);
  return view;
}

function awaken(chart) {
  const spec = JSON.parse(chart.querySelector("script").textContent);
  const { told, width } = spec.usermeta;
  if (!told.length) return;
  const hand = document.createElement("div");
  const tip = document.createElement("p");
  let view = null;
  let at = -1;

  Object.assign(hand, { className: "drawn__hand", tabIndex: 0 });
  const parts = { role: "slider", "aria-label": chart.dataset.label, "aria-valuemin": 1, "aria-valuemax": told.length };
  for (const [name, value] of Object.entries(parts)) hand.setAttribute(name, value);
  Object.assign(tip, { className: "drawn__tip", hidden: true });
  chart.append(hand, tip);
  say(told.length - 1);

  function say(place) {
    hand.setAttribute("aria-valuenow", place + 1);
    hand.setAttribute("aria-valuetext", told[place].words);
  }

  async function go(place) {
    at = place;
    tip.hidden = place < 0;
    if (place >= 0) {
      say(place);
      tip.textContent = told[place].words;
      tip.classList.toggle("is-few", !told[place].sure);
    }
    view ??= drawn(chart, spec).catch(() => null); // without Vega the words still come
    const shown = await view;
    if (at === place) await shown?.signal("at", place).runAsync();
  }

  // where each place stands, in pixels of the drawing: the scale of its own x
  const scale = spec.layer.at(-1).encoding.x.scale;
  const left = (x) => scale.range[0] + ((x - scale.domain[0]) / (scale.domain[1] - scale.domain[0])) * (scale.range[1] - scale.range[0]);
  const nearest = (event) => {
    const box = hand.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * width;
    let best = 0;
    for (const [place, one] of told.entries()) {
      if (Math.abs(left(one.x) - x) < Math.abs(left(told[best].x) - x)) best = place;
    }
    return best;
  };

  hand.addEventListener("pointermove", (event) => go(nearest(event)));
  hand.addEventListener("pointerdown", (event) => go(nearest(event)));
  hand.addEventListener("pointerleave", (event) => {
    if (event.pointerType === "mouse" && document.activeElement !== hand) go(-1);
  });
  hand.addEventListener("blur", () => go(-1));
  hand.addEventListener("keydown", (event) => {
    const now = at < 0 ? told.length : at;
    const steps = {
      ArrowLeft: now - 1, ArrowDown: now - 1, ArrowRight: at < 0 ? told.length - 1 : now + 1,
      ArrowUp: at < 0 ? told.length - 1 : now + 1, PageDown: now - 7, PageUp: now + 7, Home: 0, End: told.length - 1,
    };
    if (event.key === "Escape") go(-1);
    else if (event.key in steps) {
      event.preventDefault();
      go(Math.min(told.length - 1, Math.max(0, steps[event.key])));
    }
  });
}

for (const chart of document.querySelectorAll("[data-chart]")) awaken(chart);
