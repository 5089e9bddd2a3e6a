// Brings the picture to life. Nothing is simulated here: what each failure takes with it was computed by the engine and stands in #data.
// Names of others become text nodes only.
(() => {
  "use strict";
  const root = document.documentElement;
  const byId = (id) => document.getElementById(id);

  byId("theme").addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });

  const picture = byId("graph");
  if (!picture) return;
  for (const input of document.querySelectorAll("#side input")) {
    input.addEventListener("change", () => { picture.dataset.side = input.value; redraw(); });
  }
  let redraw = () => {};
  if (typeof d3 === "undefined") return;

  const data = JSON.parse(byId("data").textContent);
  const HEALTH = ["", "degraded", "overloaded", "down"];
  const CARD = { width: 212, height: 56 };
  const MOST_LISTED = 60, MOST_STEPS = 120;
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const svg = d3.select(picture), view = svg.select("#view"), canvas = byId("canvas"), panel = byId("panel");
  const spots = [...picture.querySelectorAll(".n")].map((element) => {
    const [x, y] = element.getAttribute("transform").match(/-?[\d.]+/g).map(Number);
    return { element, badge: null, x, y };
  });
  const nodes = svg.selectAll(".n").data(data.nodes);
  const lines = new Map([...picture.querySelectorAll("#edges .e")].map((element) => [data.edges[element.dataset.e].join(), element]));
  const ofNode = new Map(data.failures.map((failure, index) => [failure.node, index]).filter(([node]) => node >= 0));
  const state = { failure: null, step: 0, focus: 0, found: [], moved: false };
  let timer = null;

  // What is shown

  const side = () => picture.dataset.side;
  const shownSide = (failure) => failure.sides[side() === "before" ? 0 : 1] || failure.sides[side() === "before" ? 1 : 0];
  const stands = (node) => side() === "diff" || data.nodes[node][4][side() === "before" ? 0 : 1] !== null;
  // Visits as [node, health, cause, seconds, rule]; untraced failures have nodes only.
  const visits = (effect) => (effect[0] ? effect[2] : effect[2].map((node) => [node, 3, -1, 0, -1]));
  const reached = (effect) => new Set(effect ? visits(effect).filter((visit) => visit[1] === 3).map((visit) => visit[0]) : []);

  function make(tag, className, text) {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  }
  const counted = (amount, one, many) => `${amount.toLocaleString("en")} ${amount === 1 ? one : many || one + "s"}`;
  const list = (names, most = 4) => names.slice(0, most).join(", ") + (names.length > most ? ` and ${names.length - most} more` : "");
  const say = (text) => { byId("status").textContent = text; };

  // Zoom

  const zoom = d3.zoom()
    .scaleExtent([0.03, 2.5])
    .filter((event) => event.type !== "wheel" ? !event.button : event.ctrlKey || event.metaKey || byId("explorer").classList.contains("large"))
    .on("zoom", (event) => {
      view.attr("transform", event.transform);
      picture.classList.toggle("far", event.transform.k < 0.33);
      picture.classList.toggle("mid", event.transform.k >= 0.33 && event.transform.k < 0.62);
      hideTip();
      if (event.sourceEvent) state.moved = true;
    });
  svg.attr("viewBox", null).call(zoom).on("dblclick.zoom", null);
  picture.classList.add("live");
  root.classList.add("interactive");

  const move = (transform, slowly = true) => (slowly && !calm.matches ? svg.transition().duration(350) : svg).call(zoom.transform, transform);
  function frame(members, most, slowly) {
    const box = canvas.getBoundingClientRect();
    const left = d3.min(members, (m) => m.x) - 30, right = d3.max(members, (m) => m.x) + CARD.width + 30;
    const top = d3.min(members, (m) => m.y) - 30, bottom = d3.max(members, (m) => m.y) + CARD.height + 30;
    const k = Math.max(0.03, Math.min(most, box.width / (right - left), box.height / (bottom - top)));
    move(d3.zoomIdentity.translate(box.width / 2 - k * (left + right) / 2, box.height / 2 - k * (top + bottom) / 2).scale(k), slowly);
    return k;
  }
  const fit = (slowly) => { state.moved = false; return frame(spots, 1.15, slowly); };
  function open() {
    const changed = spots.filter((spot) => spot.element.classList.contains("changed") || spot.element.matches(".only-before, .only-after"));
    if (fit(false) < 0.3 && changed.length && changed.length <= spots.length / 4) { state.moved = true; frame(changed, 0.8, false); }
  }
  function bringIn(spot) {
    const box = canvas.getBoundingClientRect(), t = d3.zoomTransform(picture);
    const x = t.applyX(spot.x), y = t.applyY(spot.y), width = CARD.width * t.k, height = CARD.height * t.k;
    if (x > 20 && y > 20 && x + width < box.width - 20 && y + height < box.height - 20 && t.k >= 0.33) return;
    const k = Math.max(t.k, 0.62);
    move(d3.zoomIdentity.translate(box.width / 2 - k * (spot.x + CARD.width / 2), box.height / 2 - k * (spot.y + CARD.height / 2)).scale(k));
  }
  for (const [id, factor] of [["in", 1.35], ["out", 1 / 1.35]]) {
    byId(id).addEventListener("click", () => { state.moved = true; (calm.matches ? svg : svg.transition().duration(180)).call(zoom.scaleBy, factor); });
  }
  byId("fit").addEventListener("click", () => fit(true));
  byId("large").addEventListener("click", () => enlarge(!byId("explorer").classList.contains("large")));
  function enlarge(on) {
    byId("explorer").classList.toggle("large", on);
    document.body.classList.toggle("covered", on);
    byId("large").setAttribute("aria-pressed", String(on));
    fit(false);
  }
  picture.addEventListener("wheel", (event) => {
    if (event.ctrlKey || event.metaKey) return;
    if (byId("explorer").classList.contains("large")) return;
    hint(/Mac/.test(navigator.platform) ? "⌘ + scroll zooms" : "Ctrl + scroll zooms");
  }, { passive: true });
  let hinted = null;
  function hint(text) {
    byId("hint").textContent = text;
    byId("hint").hidden = false;
    clearTimeout(hinted);
    hinted = setTimeout(() => { byId("hint").hidden = true; }, 1600);
  }
  new ResizeObserver(() => { if (!state.moved) fit(false); }).observe(canvas);

  // A tip beside a component

  const tip = byId("tip");
  function hideTip() { tip.hidden = true; }
  function showTip(index) {
    const [address, label, noun, entries, sides] = data.nodes[index];
    tip.replaceChildren(make("b", "", label));
    if (address !== label) tip.append(make("div", "", address));
    const told = side() === "before" ? sides[0] : sides[1] || sides[0];
    if (told) tip.append(make("div", "", `${noun}, ${told[1]}${told[2] ? `: ${told[2]}` : ""}`));
    if (told && told[0] === "single-point") tip.append(make("div", "", "single point of failure"));
    if (told && told[0] === "down") tip.append(make("div", "", "down with nothing failing"));
    if (entries.length) tip.append(make("div", "", `entry point: ${list(entries)}`));
    tip.hidden = false;
    const box = canvas.getBoundingClientRect(), t = d3.zoomTransform(picture), spot = spots[index];
    const left = Math.max(8, Math.min(box.width - tip.offsetWidth - 8, t.applyX(spot.x)));
    const above = t.applyY(spot.y) - tip.offsetHeight - 10;
    tip.style.left = `${left}px`;
    tip.style.top = `${above > 8 ? above : t.applyY(spot.y + CARD.height) + 10}px`;
  }

  // Failing

  // Marks what is reached up to the step shown; going forward adds only what is new.
  const painted = { key: "", count: 0 };
  function clearMarks() {
    for (const element of picture.querySelectorAll(".hit, .spared")) element.classList.remove("hit", "h1", "h2", "h3", "origin", "spared");
    for (const element of picture.querySelectorAll(".e.lit")) element.classList.remove("lit");
  }
  function paint() {
    const failure = data.failures[state.failure];
    picture.classList.toggle("failing", Boolean(failure));
    const key = `${state.failure} ${side()}`, effect = failure && shownSide(failure), all = failure ? visits(effect) : [];
    const upTo = failure && effect[0] ? state.step : all.length;
    if (key !== painted.key || upTo < painted.count) {
      clearMarks();
      painted.count = 0;
      if (failure) spare(failure);
    }
    for (let index = painted.count; index < upTo; index += 1) reach(failure, effect, all[index], index);
    Object.assign(painted, { key, count: upTo });
    picture.classList.toggle("many", all.length > 60);
  }
  function reach(failure, effect, [node, health, cause], index) {
    const spot = spots[node];
    spot.element.classList.add("hit", `h${health}`);
    spot.element.classList.toggle("origin", node === failure.node);
    spot.badge ||= addBadge(spot.element);
    spot.badge.textContent = effect[0] ? String(index + 1) : "✕";
    if (cause >= 0) lines.get(`${node},${cause}`)?.classList.add("lit");
  }
  function spare(failure) {
    if (side() !== "diff" || !failure.sides[0] || !failure.sides[1]) return;
    const now = reached(failure.sides[1]);
    for (const node of reached(failure.sides[0])) if (!now.has(node)) spots[node].element.classList.add("spared");
  }
  function addBadge(element) {
    const badge = d3.select(element).append("g").attr("class", "badge").attr("transform", `translate(${CARD.width} 0)`);
    badge.append("circle").attr("r", 10);
    return badge.append("text").attr("y", 4).node();
  }
  function fail(index, focusPanel) {
    stop();
    state.failure = index;
    const failure = data.failures[index], effect = shownSide(failure), total = effect[2].length;
    state.step = calm.matches ? total : Math.min(1, total);
    paint();
    detail();
    const down = effect[1].length;
    say(`${failure.label} fails: ${counted(reached(effect).size, "component")} down, ${counted(down, "entry point")} down${down ? `: ${list(effect[1].map((e) => data.entries[e]))}` : ""}.`);
    if (focusPanel) panel.querySelector(".back")?.focus();
    if (effect[0] && !calm.matches) play();
  }
  function restore() {
    if (state.failure === null) return;
    stop();
    state.failure = null;
    paint();
    overview();
    say("All restored.");
  }
  function stop() { timer?.stop(); timer = null; }
  function play() {
    const total = visits(shownSide(data.failures[state.failure])).length;
    if (state.step >= total) state.step = 0;
    const pause = Math.max(80, Math.min(420, 3200 / total)), stride = Math.ceil(total / 40);
    stop();
    timer = d3.interval(() => {
      state.step = Math.min(total, state.step + stride);
      if (state.step >= total) stop();
      paint();
      mark();
    }, pause);
  }

  // The panel

  function overview() {
    const wanted = byId("find").value.trim().toLowerCase();
    const rows = data.failures
      .map((failure, index) => ({ failure, index, effect: failure.sides[side() === "before" ? 0 : 1] }))
      .filter(({ failure, effect }) => effect && (!wanted || matches(failure, wanted)));
    rows.sort((a, b) => b.effect[1].length - a.effect[1].length || b.effect[2].length - a.effect[2].length || a.index - b.index);
    const near = rows.filter(({ failure }) => failure.node >= 0 || failure.kind === "zone");
    const far = rows.filter((one) => !near.includes(one));
    panel.replaceChildren(make("h3", "", "What if it fails?"), make("p", "sub", "Worst first. Click one, or a component in the picture, and watch the cascade."));
    if (!rows.length) panel.append(make("p", "sub", "Nothing matches."));
    listed(near, "");
    listed(far, "Regions, provider services, vendors");
  }
  function listed(rows, heading) {
    if (!rows.length) return;
    if (heading) panel.append(make("h4", "", heading));
    const box = make("div", "list");
    for (const { failure, index, effect } of rows.slice(0, MOST_LISTED)) box.append(row(failure, index, effect));
    panel.append(box);
    if (rows.length > MOST_LISTED) panel.append(make("p", "sub", `and ${(rows.length - MOST_LISTED).toLocaleString("en")} more: search to find them`));
  }
  const matches = (failure, wanted) => failure.label.toLowerCase().includes(wanted) || (failure.node >= 0 && found(failure.node, wanted));
  function row(failure, index, effect) {
    const button = make("button");
    button.type = "button";
    button.dataset.failure = index;
    const kind = failure.node >= 0 ? `${data.nodes[failure.node][5] || data.nodes[failure.node][2]}, all copies` : failure.kind === "zone" ? "all that runs there" : "everything that depends on it";
    const down = effect[1].length, others = effect[2].length - (failure.node >= 0 ? 1 : 0);
    const harm = make("span", "harm");
    harm.append(make("strong", down ? "" : "none", down ? `${down} of ${data.entries.length}` : "held"));
    harm.append(document.createTextNode(down ? "entries down" : others > 0 ? `${others} hit` : "nothing else"));
    button.append(make("b", "", failure.label), make("small", "", kind), harm);
    button.addEventListener("click", (event) => fail(index, event.detail === 0));
    return button;
  }
  function detail() {
    const failure = data.failures[state.failure], effect = shownSide(failure);
    const back = make("button", "quiet back", "← All failures");
    back.type = "button";
    back.addEventListener("click", () => { restore(); panel.querySelector("button")?.focus(); });
    const title = make("h3", "", failure.label);
    const under = make("p", "sub", failure.node >= 0 ? data.nodes[failure.node][0] : failure.id);
    const sides = make("div", "sides");
    data.sides.forEach((name) => {
      const one = failure.sides[name === "before" ? 0 : 1];
      const box = make("div");
      box.append(make("small", "", data.sides.length === 2 ? name : "entry points down"));
      const strong = make("strong", one && one[1].length ? "bad" : "good", one ? `${one[1].length} of ${data.entries.length}` : "–");
      box.append(strong, make("small", "", one ? (one[1].length ? `${list(one[1].map((e) => data.entries[e]), 3)} down` : "every entry point holds") : "does not exist here"));
      sides.append(box);
    });
    panel.replaceChildren(back, title, under, sides);
    if (effect[0] && effect[2].length) panel.append(player(effect), steps(failure, effect));
    else if (!effect[0]) panel.append(make("p", "sub", `${counted(effect[2].length, "component")} down. In a system of this size only the failures that reach furthest are traced step by step; for this one the set is exact, its order is not told.`));
    else panel.append(make("p", "sub", "Nothing goes down on this side."));
    if (picture.querySelector(".n.spared")) panel.append(make("p", "sub spared-note", "Outlined in green: went down before, holds after."));
    panel.scrollTop = 0;
    mark();
  }
  function player(effect) {
    const box = make("div", "player");
    const button = make("button", "quiet", "▶ Play");
    button.type = "button";
    button.addEventListener("click", () => play());
    const range = make("input");
    Object.assign(range, { type: "range", min: 1, max: effect[2].length, step: 1 });
    range.setAttribute("aria-label", "Step of the cascade");
    range.addEventListener("input", () => { stop(); state.step = Number(range.value); paint(); mark(); });
    box.append(button, range, make("output"));
    return box;
  }
  function steps(failure, effect) {
    const box = make("ol", "steps"), healths = new Map(effect[2].map(([node, health]) => [node, HEALTH[health]]));
    effect[2].slice(0, MOST_STEPS).forEach(([node, health, cause, seconds, rule], index) => {
      const item = make("li", `h${health}`);
      item.dataset.step = index + 1;
      item.append(make("b", "", data.nodes[node][1]), document.createTextNode(` ${HEALTH[health]}`));
      const because = data.why[rule].replace("{cause}", () => (cause >= 0 ? data.nodes[cause][1] : "another")).replace("{health}", healths.get(cause) || "down");
      item.append(make("small", "", `${data.nodes[node][5] ? `${data.nodes[node][5]}: ` : ""}${node === failure.node && cause < 0 ? "this is what fails" : because}${seconds ? `, after ${time(seconds)}` : ""}`));
      box.append(item);
    });
    if (effect[2].length > MOST_STEPS) box.append(make("p", "sub", `and ${(effect[2].length - MOST_STEPS).toLocaleString("en")} more`));
    return box;
  }
  const time = (seconds) => (seconds < 90 ? `${+seconds.toPrecision(2)} s` : seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${+(seconds / 3600).toFixed(1)} h`);
  function mark() {
    const range = panel.querySelector("input[type=range]");
    if (!range) return;
    const effect = shownSide(data.failures[state.failure]), last = effect[2][Math.max(0, state.step - 1)];
    range.value = String(state.step);
    panel.querySelector("output").textContent = `Step ${state.step} of ${effect[2].length}${last[3] ? `, ${time(last[3])} after the failure` : ""}`;
    panel.querySelectorAll(".steps li").forEach((item, index) => item.classList.toggle("later", index >= state.step));
  }

  // Search

  const found = (index, wanted) => data.nodes[index].slice(0, 3).concat(data.nodes[index][3]).some((text) => text.toLowerCase().includes(wanted));
  const find = byId("find");
  find.addEventListener("input", () => {
    const wanted = find.value.trim().toLowerCase();
    state.found = wanted ? d3.range(data.nodes.length).filter((index) => stands(index) && found(index, wanted)) : [];
    const hits = new Set(state.found);
    nodes.classed("found", (_, index) => hits.has(index));
    picture.classList.toggle("searching", Boolean(wanted));
    if (state.failure === null) overview();
    if (wanted) say(counted(state.found.length, "component") + " found");
  });
  find.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && state.found.length) {
      event.preventDefault();
      const next = state.found.find((index) => index > state.focus) ?? state.found[0];
      endSearch();
      focus(next);
    } else if (event.key === "Escape") { endSearch(); event.stopPropagation(); }
  });
  function endSearch() { find.value = ""; find.dispatchEvent(new Event("input")); }

  // Keyboard and pointer

  function focus(index) {
    spots[state.focus].element.setAttribute("tabindex", "-1");
    state.focus = index;
    spots[index].element.setAttribute("tabindex", "0");
    bringIn(spots[index]);
    spots[index].element.focus({ preventScroll: true });
  }
  const AHEAD = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  function neighbour(index, [dx, dy]) {
    const here = spots[index];
    let best = -1, least = Infinity;
    spots.forEach((spot, other) => {
      const along = (spot.x - here.x) * dx + (spot.y - here.y) * dy;
      if (other === index || along <= 1 || !stands(other)) return;
      const cost = along + 2.5 * Math.abs((spot.x - here.x) * dy + (spot.y - here.y) * dx);
      if (cost < least) { least = cost; best = other; }
    });
    return best;
  }
  const nodeOf = (target) => { const element = target.closest?.(".n"); return element ? Number(element.dataset.n) : -1; };
  const failNode = (index) => { if (ofNode.has(index)) fail(ofNode.get(index), false); };
  picture.addEventListener("keydown", (event) => {
    const index = nodeOf(event.target);
    if (index >= 0 && AHEAD[event.key]) {
      event.preventDefault();
      const next = neighbour(index, AHEAD[event.key]);
      if (next >= 0) focus(next);
    } else if (index >= 0 && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      failNode(index);
    } else if (event.key === "+" || event.key === "=") byId("in").click();
    else if (event.key === "-") byId("out").click();
    else if (event.key === "0") fit(true);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && state.failure !== null) restore();
    else if (event.key === "Escape" && byId("explorer").classList.contains("large")) enlarge(false);
    else if (event.key === "/" && !/^(INPUT|TEXTAREA)$/.test(event.target.tagName)) { event.preventDefault(); find.focus(); }
  });
  picture.addEventListener("click", (event) => {
    if (event.defaultPrevented) return;
    const index = nodeOf(event.target);
    if (index < 0) return restore();
    focusQuietly(index);
    failNode(index);
    hideTip();
  });
  function focusQuietly(index) {
    spots[state.focus].element.setAttribute("tabindex", "-1");
    state.focus = index;
    spots[index].element.setAttribute("tabindex", "0");
    spots[index].element.focus({ preventScroll: true });
  }
  picture.addEventListener("pointerover", (event) => { const index = nodeOf(event.target); if (index >= 0) showTip(index); else hideTip(); });
  picture.addEventListener("pointerleave", hideTip);
  picture.addEventListener("focusin", (event) => { const index = nodeOf(event.target); if (index >= 0 && event.target.matches(":focus-visible")) showTip(index); });
  picture.addEventListener("focusout", hideTip);
  for (const button of document.querySelectorAll("[data-fail]")) {
    button.addEventListener("click", () => {
      fail(Number(button.dataset.fail), false);
      byId("explorer").scrollIntoView({ block: "start" });
      const effect = shownSide(data.failures[state.failure]);
      const members = visits(effect).map(([node]) => spots[node]);
      if (members.length) { state.moved = true; frame(members, 1, true); }
    });
  }

  redraw = () => {
    if (state.failure === null) overview();
    else {
      stop();
      state.step = visits(shownSide(data.failures[state.failure])).length;
      paint();
      detail();
    }
    hideTip();
  };

  for (const id of ["find", "in", "out", "fit", "large"]) byId(id).disabled = false;
  nodes.attr("tabindex", -1).attr("role", "button");
  const first = data.nodes.findIndex((node) => node[3].length);
  state.focus = Math.max(0, first);
  spots[state.focus].element.setAttribute("tabindex", "0");
  open();
  overview();
})();
