// The page's viewer: the picture and the 3D space of one frame. Positions are in the camera frame, mm: x right, y down,
// z forward. Nothing is fetched; all data stands in the page.
const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const checked = (id) => Boolean(byId(id) && byId(id).checked);
const names = data.joint_names.map((name) => name.replaceAll("_", " "));
const sides = data.sides;
const [fx, fy, cx, cy] = data.intrinsics_px;
const RADII = 2.5003; // of the ellipsoid that holds 90 % of a Gaussian in space
const FAINTEST = 0.15;

const state = { frame: 0, hidden: new Set(), hover: null };
const people = () => data.frames[state.frame].people.filter((person) => !state.hidden.has(person.id));
const joint = (person, j) => person.mm.slice(3 * j, 3 * j + 3);
const chance = (person) => (person?.chance === undefined ? "" : ` (${(100 * person.chance).toFixed(0)} % a person)`);
const sure = (person, j) =>
  person.confidence && checked("faint") ? Math.max(FAINTEST, person.confidence[j] ?? FAINTEST) : 1;

const colors = {};
function readColors() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ["paper", "ink", "faint", "grid", "left", "right", "torso", "accent"])
    colors[name] = style.getPropertyValue(`--${name}`).trim();
}

// Give the drawing context of a canvas in CSS pixels, its bitmap as fine as the screen.
function sized(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth, height = canvas.clientHeight;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  return [pen, width, height];
}

function stroke(pen, from, to, color, width, rim, alpha = 1) {
  pen.lineCap = "round";
  for (const [ink, thick] of rim ? [[rim, width + 2.5], [color, width]] : [[color, width]]) {
    pen.globalAlpha = ink === rim ? Math.min(1, alpha + 0.2) : alpha;
    pen.strokeStyle = ink;
    pen.lineWidth = thick;
    pen.beginPath();
    pen.moveTo(from[0], from[1]);
    pen.lineTo(to[0], to[1]);
    pen.stroke();
  }
  pen.globalAlpha = 1;
}

function dot(pen, at, radius, color, rim, alpha = 1) {
  pen.globalAlpha = alpha;
  pen.beginPath();
  pen.arc(at[0], at[1], radius, 0, 2 * Math.PI);
  pen.fillStyle = color;
  pen.fill();
  pen.lineWidth = 1.25;
  pen.strokeStyle = rim;
  pen.stroke();
  pen.globalAlpha = 1;
}

// The outline of a 2D Gaussian with covariance [xx, xy, yy].
function ellipse(pen, at, [xx, xy, yy], color) {
  const middle = (xx + yy) / 2, off = Math.hypot((xx - yy) / 2, xy);
  const axes = [middle + off, middle - off].map((value) => RADII * Math.sqrt(Math.max(value, 0)));
  pen.beginPath();
  pen.ellipse(at[0], at[1], axes[0], axes[1], 0.5 * Math.atan2(2 * xy, xx - yy), 0, 2 * Math.PI);
  pen.globalAlpha = 0.14;
  pen.fillStyle = color;
  pen.fill();
  pen.globalAlpha = 0.55;
  pen.lineWidth = 1;
  pen.strokeStyle = color;
  pen.stroke();
  pen.globalAlpha = 1;
}

// J C J' of a covariance (xx, xy, xz, yy, yz, zz) and the two rows of a Jacobian.
function projected([xx, xy, xz, yy, yz, zz], [a, b]) {
  const times = ([x, y, z]) => [xx * x + xy * y + xz * z, xy * x + yy * y + yz * z, xz * x + yz * y + zz * z];
  const dotted = (p, q) => p[0] * q[0] + p[1] * q[1] + p[2] * q[2];
  const ca = times(a), cb = times(b);
  return [dotted(a, ca), dotted(a, cb), dotted(b, cb)];
}

const covariance = (person, j) =>
  person.cov && checked("ellipsoids") && person.cov[6 * j] !== null ? person.cov.slice(6 * j, 6 * j + 6) : null;

// --- the space ---

// A canvas that shows points of the camera frame in perspective from an eye that circles a target.
class Orbit {
  constructor(canvas, draw) {
    Object.assign(this, { canvas, draw, turn: 0, tilt: 0, distance: 4000, target: [0, 0, 4000] });
    canvas.addEventListener("pointerdown", (event) => {
      this.grip = [event.clientX, event.clientY];
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!this.grip) return;
      this.rotate((event.clientX - this.grip[0]) * 0.008, (event.clientY - this.grip[1]) * 0.008);
      this.grip = [event.clientX, event.clientY];
    });
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (this.grip = null));
    canvas.addEventListener("wheel", (event) => {
      if (document.activeElement !== canvas && !event.ctrlKey) return; // the page scrolls until the view is clicked
      event.preventDefault();
      this.zoom(Math.exp(event.deltaY * 0.001));
    }, { passive: false });
    const keys = {
      ArrowLeft: () => this.rotate(-0.1, 0), ArrowRight: () => this.rotate(0.1, 0),
      ArrowUp: () => this.rotate(0, -0.1), ArrowDown: () => this.rotate(0, 0.1),
      "+": () => this.zoom(0.9), "=": () => this.zoom(0.9), "-": () => this.zoom(1 / 0.9), Home: () => this.look(0, 0),
    };
    canvas.addEventListener("keydown", (event) => {
      if (!keys[event.key]) return;
      event.preventDefault();
      keys[event.key]();
    });
  }

  rotate(turn, tilt) { this.look(this.turn + turn, this.tilt + tilt); }
  zoom(factor) {
    this.distance = Math.min(Math.max(this.distance * factor, 200), 60000);
    this.draw();
  }
  look(turn, tilt) {
    this.turn = turn;
    this.tilt = Math.min(Math.max(tilt, -Math.PI / 2), Math.PI / 2);
    this.draw();
  }

  begin() {
    [this.pen, this.width, this.height] = sized(this.canvas);
    this.focal = 1.3 * Math.min(this.width, this.height);
    const [ct, st, ci, si] = [Math.cos(this.turn), Math.sin(this.turn), Math.cos(this.tilt), Math.sin(this.tilt)];
    // rows: right, down, away of the eye
    this.axes = [[ct, 0, st], [st * si, ci, -ct * si], [-st * ci, si, ct * ci]];
    return this.pen;
  }

  // Screen x, y and distance along the eye's axis; null behind the eye.
  place(point) {
    const offset = point.map((value, axis) => value - this.target[axis]);
    const [x, y, z] = this.axes.map((axis) => axis[0] * offset[0] + axis[1] * offset[1] + axis[2] * offset[2]);
    const away = z + this.distance;
    if (away < 50) return null;
    return [this.width / 2 + (this.focal * x) / away, this.height / 2 + (this.focal * y) / away, away];
  }

  // Rows of the Jacobian of screen x and y over the camera frame, at a placed point.
  jacobian([x, y, away]) {
    const right = (x - this.width / 2) / this.focal, down = (y - this.height / 2) / this.focal;
    return [right, down].map((slope, row) =>
      this.axes[row].map((value, axis) => (this.focal / away) * (value - slope * this.axes[2][axis])));
  }

  line(from, to, color, width = 1, alpha = 1) {
    const a = this.place(from), b = this.place(to);
    if (a && b) stroke(this.pen, a, b, color, width, null, alpha);
  }
}

const space = new Orbit(byId("space"), () => drawSpace());

// A joint's place and, where its ellipsoid is drawn, the ends of that along the axes, about.
function ends(person, j) {
  const at = person.mm.slice(3 * j, 3 * j + 3), cov = covariance(person, j);
  if (!cov) return [at];
  return [at, ...[0, 3, 5].flatMap((i, axis) => [-2.5, 2.5].map((many) =>
    at.map((value, k) => value + (k === axis ? many * Math.sqrt(cov[i]) : 0))))];
}

// Look at everybody in all frames, from as near as all of them are seen.
function fit() {
  const everybody = data.frames.flatMap(({ people }) => people), all = everybody.map(({ mm }) => mm);
  if (!all.length) return;
  const points = everybody.flatMap((person) => names.flatMap((_, j) => ends(person, j)));
  if (checked("cameras")) points.push([0, 0, 0]);
  const range = [0, 1, 2].map((axis) => points.reduce(([low, high], place) =>
    [Math.min(low, place[axis]), Math.max(high, place[axis])], [Infinity, -Infinity]));
  space.target = range.map(([low, high]) => (low + high) / 2);
  space.floor = Math.max(...all.map((mm) => Math.max(...names.map((_, j) => mm[3 * j + 1]))));
  space.reach = Math.max(600, Math.hypot(range[0][1] - range[0][0], range[2][1] - range[2][0]) / 2);
  space.begin();
  const some = points.filter((_, i) => i % Math.ceil(points.length / 5000) === 0);
  const outside = (place) => {
    const at = space.place(place);
    return !at || Math.abs(at[0] / space.width - 0.5) > 0.42 || Math.abs(at[1] / space.height - 0.5) > 0.4;
  };
  for (space.distance = 1000; space.distance < 50000 && some.some(outside); ) space.distance *= 1.06;
}

function drawFloor(view) {
  const step = 500, reach = Math.ceil((view.reach + 700) / step);
  const [x0, z0] = [view.target[0], view.target[2]].map((value) => Math.round(value / step) * step);
  for (let i = -reach; i <= reach; i++) {
    view.line([x0 + i * step, view.floor, z0 - reach * step], [x0 + i * step, view.floor, z0 + reach * step], colors.grid);
    view.line([x0 - reach * step, view.floor, z0 + i * step], [x0 + reach * step, view.floor, z0 + i * step], colors.grid);
  }
}

// The eye that took the picture: its pyramid, as deep as half a metre.
function drawCamera(view) {
  const [columns, rows] = data.size_px, depth = 500;
  const corner = (x, y) => [((x - cx) / fx) * depth, ((y - cy) / fy) * depth, depth];
  const corners = [corner(0, 0), corner(columns, 0), corner(columns, rows), corner(0, rows)];
  corners.forEach((point, i) => {
    view.line([0, 0, 0], point, colors.accent, 1.5);
    view.line(point, corners[(i + 1) % 4], colors.accent, 1.5);
  });
}

// What a person is drawn of, each with its distance from the eye.
function* partsOf(view, person) {
  const pen = view.pen;
  const at = data.joint_names.map((_, j) => view.place(joint(person, j)));
  const width = Math.max(2.5, (view.focal / view.distance) * 34);
  for (const [start, end] of data.edges) {
    const [a, b] = [at[start], at[end]];
    if (!a || !b) continue;
    const alpha = Math.min(sure(person, start), sure(person, end));
    yield [(a[2] + b[2]) / 2, () => stroke(pen, a, b, colors[sides[end]], width, colors.paper, alpha)];
  }
  for (const [j, place] of at.entries()) {
    if (!place) continue;
    const color = colors[sides[j]];
    const hovered = state.hover && state.hover.id === person.id && state.hover.joint === j;
    yield [place[2] - 20, () => dot(pen, place, width * (hovered ? 1.4 : 0.75), color, colors.paper, sure(person, j))];
    const cov = covariance(person, j);
    if (cov) yield [place[2] - 10, () => ellipse(pen, place, projected(cov, view.jacobian(place)), color)];
    if (checked("second") && person.second && person.second[3 * j] !== null) {
      const other = view.place(person.second.slice(3 * j, 3 * j + 3));
      if (other) yield [other[2], () => {
        pen.setLineDash([4, 4]);
        stroke(pen, place, other, color, 1.25, null, 0.8);
        pen.setLineDash([]);
        dot(pen, other, width * 0.75, colors.paper, color, 0.9);
      }];
    }
  }
}

function drawLabel(pen, text, [x, y], color) {
  pen.font = "600 13px system-ui, sans-serif";
  pen.textAlign = "center";
  pen.lineWidth = 3;
  pen.strokeStyle = colors.paper;
  pen.strokeText(text, x, y);
  pen.fillStyle = color;
  pen.fillText(text, x, y);
}

function drawSpace() {
  const pen = space.begin();
  if (space.reach) drawFloor(space);
  if (checked("cameras")) drawCamera(space);
  const parts = people().flatMap((person) => [...partsOf(space, person)]);
  parts.sort((a, b) => b[0] - a[0]).forEach(([, draw]) => draw());
  if (data.ids.length > 1) for (const person of people()) {
    const top = person.mm.filter((_, i) => i % 3 === 1).indexOf(Math.min(...person.mm.filter((_, i) => i % 3 === 1)));
    const place = space.place(joint(person, top).map((value, axis) => value - (axis === 1 ? 130 : 0)));
    if (place) drawLabel(pen, `${person.id}`, place, colors.ink);
  }
  if (!people().length) drawLabel(pen, "nobody in this frame", [space.width / 2, space.height / 2], colors.faint);
}

// --- the picture ---

const images = data.pictures.map((source) => {
  const image = new Image();
  image.onload = () => drawPicture();
  image.src = source;
  return image;
});

// Where the picture lies on its canvas: scale from its own pixels, left, top.
function pictureFrame(width, height) {
  const [columns, rows] = data.size_px;
  const scale = Math.min(width / columns, height / rows);
  return [scale, (width - columns * scale) / 2, (height - rows * scale) / 2];
}

function drawPicture() {
  if (!images.length || byId("picture-figure").hidden) return;
  const [pen, width, height] = sized(byId("picture"));
  const [scale, left, top] = pictureFrame(width, height);
  const image = images[data.frames[state.frame].picture];
  if (image && image.complete && image.naturalWidth)
    pen.drawImage(image, left, top, data.size_px[0] * scale, data.size_px[1] * scale);
  pen.save();
  pen.beginPath();
  pen.rect(left, top, data.size_px[0] * scale, data.size_px[1] * scale);
  pen.clip();
  const on = { left: "#0072b2", right: "#d55e00", torso: "#f7e34b" };
  const line = Math.max(2, Math.min(width, height) / 170);
  for (const person of [...people()].sort((a, b) => b.root - a.root)) {
    const at = data.joint_names.map((_, j) => [left + person.px[2 * j] * scale, top + person.px[2 * j + 1] * scale]);
    for (const [start, end] of data.edges)
      stroke(pen, at[start], at[end], on[sides[end]], line, "#fff", Math.min(sure(person, start), sure(person, end)));
    at.forEach((place, j) => {
      const cov = covariance(person, j);
      if (cov) {
        const [x, y, z] = joint(person, j);
        const rows = [[fx / z, 0, (-fx * x) / z ** 2], [0, fy / z, (-fy * y) / z ** 2]];
        ellipse(pen, place, projected(cov, rows.map((row) => row.map((value) => value * scale))), on[sides[j]]);
      }
      const hovered = state.hover && state.hover.id === person.id && state.hover.joint === j;
      dot(pen, place, line * (hovered ? 1.8 : 0.95), on[sides[j]], "#fff", sure(person, j));
    });
    if (checked("boxes")) {
      pen.strokeStyle = "#fff";
      pen.lineWidth = 1.5;
      const [x, y, side] = person.box;
      pen.strokeRect(left + x * scale, top + y * scale, side * scale, side * scale);
    }
    if (data.ids.length > 1) {
      const highest = at.reduce((best, place) => (place[1] < best[1] ? place : best));
      drawLabel(pen, `${person.id}`, [highest[0], Math.max(highest[1] - 10, top + 12)], colors.ink);
    }
  }
  pen.restore();
}

// --- pointing at joints ---

function nearest(places, x, y) {
  let best = null, least = 14;
  for (const [id, j, place] of places) {
    const far = place ? Math.hypot(place[0] - x, place[1] - y) : Infinity;
    if (far < least) [best, least] = [{ id, joint: j }, far];
  }
  return best;
}

function point(canvas, event, places) {
  const box = canvas.getBoundingClientRect();
  const [x, y] = [event.clientX - box.left, event.clientY - box.top];
  const found = nearest(places(box.width, box.height), x, y);
  if (JSON.stringify(found) !== JSON.stringify(state.hover)) {
    state.hover = found;
    drawAll();
  }
  const tip = byId("tip");
  tip.hidden = !found;
  if (!found) return;
  const person = people().find(({ id }) => id === found.id);
  const mm = joint(person, found.joint);
  const more = person.confidence && person.confidence[found.joint] !== null
    ? `\nconfidence ${person.confidence[found.joint].toFixed(2)}` : "";
  const whose = data.ids.length > 1 || chance(person) ? `person ${found.id}${chance(person)}, ` : "";
  tip.textContent = `${whose}${names[found.joint]}\nx ${mm[0]}, y ${mm[1]}, z ${mm[2]} mm${more}`;
  const frame = canvas.closest(".views").getBoundingClientRect();
  tip.style.left = `${Math.min(event.clientX - frame.left + 14, frame.width - 210)}px`;
  tip.style.top = `${event.clientY - frame.top + 14}px`;
}

const inSpace = () =>
  people().flatMap((person) => names.map((_, j) => [person.id, j, space.place(joint(person, j))]));
const inPicture = (width, height) => {
  const [scale, left, top] = pictureFrame(width, height);
  return people().flatMap((person) =>
    names.map((_, j) => [person.id, j, [left + person.px[2 * j] * scale, top + person.px[2 * j + 1] * scale]]));
};
for (const [id, places] of [["space", inSpace], ["picture", inPicture]]) {
  byId(id).addEventListener("pointermove", (event) => point(byId(id), event, places));
  byId(id).addEventListener("pointerleave", () => {
    byId("tip").hidden = true;
    if (state.hover) [state.hover] = [null, drawAll()];
  });
}

// --- numbers, time, controls ---

function cells(row, tag, values) {
  for (const value of values) row.appendChild(document.createElement(tag)).textContent = value;
}

function fillTable() {
  const [head, body] = [byId("numbers").tHead, byId("numbers").tBodies[0]];
  const shown = people(), several = data.ids.length > 1;
  const confident = shown.some((person) => person.confidence), spread = shown.some((person) => person.cov);
  head.replaceChildren();
  body.replaceChildren();
  byId("numbers").className = several ? "several" : "";
  cells(head.insertRow(), "th", [
    ...(several ? ["person"] : []), "joint", "x, mm", "y, mm", "z, mm", "x, px", "y, px",
    ...(confident ? ["confidence"] : []), ...(spread ? ["σx, mm", "σy, mm", "σz, mm"] : []),
  ]);
  for (const person of shown) names.forEach((name, j) => {
    const known = confident ? [person.confidence?.[j]?.toFixed(2) ?? "–"] : [];
    const sigma = spread ? [0, 3, 5].map((i) => {
      const value = person.cov ? person.cov[6 * j + i] : null;
      return value === null ? "–" : Math.sqrt(value).toFixed(0);
    }) : [];
    cells(body.insertRow(), "td", [
      ...(several ? [person.id] : []), name, ...joint(person, j),
      ...person.px.slice(2 * j, 2 * j + 2).map((px) => px.toFixed(1)), ...known, ...sigma,
    ]);
  });
}

function drawAll() {
  drawPicture();
  drawSpace();
}

function show(frame) {
  state.frame = Math.min(Math.max(frame, 0), data.frames.length - 1);
  const { index, time_s } = data.frames[state.frame];
  byId("time").value = state.frame;
  byId("clock").textContent = `${time_s.toFixed(2)} s, frame ${index}`;
  drawAll();
  if (!state.playing) fillTable();
}

function play(on) {
  state.playing = on;
  byId("play").textContent = on ? "Pause" : "Play";
  byId("play").setAttribute("aria-pressed", on);
  if (!on) return fillTable();
  if (state.frame === data.frames.length - 1) show(0);
  const start = performance.now() - 1000 * data.frames[state.frame].time_s;
  const step = (now) => {
    if (!state.playing) return;
    let next = state.frame;
    while (next + 1 < data.frames.length && 1000 * data.frames[next + 1].time_s <= now - start) next++;
    if (next !== state.frame) show(next);
    if (next === data.frames.length - 1) return play(false);
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
}

function start() {
  readColors();
  byId("play").addEventListener("click", () => play(!state.playing));
  byId("time").addEventListener("input", (event) => {
    if (state.playing) play(false);
    show(Number(event.target.value));
  });
  for (const id of ["ellipsoids", "faint", "second", "boxes"])
    if (byId(id)) byId(id).addEventListener("change", drawAll);
  byId("cameras").addEventListener("change", () => (fit(), drawAll()));
  const views = { camera: [0, 0], side: [Math.PI / 2, 0], above: [0, Math.PI / 2 - 0.001] };
  for (const button of document.querySelectorAll("[data-view]")) button.addEventListener("click", () => {
    [space.turn, space.tilt] = views[button.dataset.view] || [space.turn, space.tilt];
    fit();
    drawAll();
  });
  if (data.ids.length > 1) for (const id of data.ids) {
    const button = byId("people").appendChild(document.createElement("button"));
    const still = data.frames.length === 1 && data.frames[0].people.find((person) => person.id === id);
    Object.assign(button, { type: "button", textContent: `person ${id}${chance(still || undefined)}` });
    button.setAttribute("aria-pressed", true);
    button.addEventListener("click", () => {
      state.hidden[state.hidden.has(id) ? "delete" : "add"](id);
      button.setAttribute("aria-pressed", !state.hidden.has(id));
      show(state.frame);
    });
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => (readColors(), drawAll()));
  new ResizeObserver(drawAll).observe(byId("space"));
  [space.turn, space.tilt] = [-0.45, 0.2];
  fit();
  show(0);
}
