// The volumes of one joint, stack by stack: its surface in space, projections, slices. Values are bytes, 255 at the
// joint's highest; z is the depth bin, y the row, x the column.
const { min_mm: depthMin, max_mm: depthMax } = data.depth_range || {};
const MAGMA = [[0, 0, 4], [59, 15, 112], [140, 41, 129], [222, 73, 104], [254, 159, 109], [252, 253, 191]];
const ramp = Array.from({ length: 256 }, (_, value) => {
  const at = (value / 255) * (MAGMA.length - 1), low = Math.min(Math.floor(at), MAGMA.length - 2);
  return MAGMA[low].map((part, i) => Math.round(part + (MAGMA[low + 1][i] - part) * (at - low)));
});
const shown = { entry: 0, joint: Math.max(0, data.joint_names.indexOf("left_wrist")), stack: 0, level: 0.4, depth: 0, voxels: [] };
const surface = data.volumes.length ? new Orbit(byId("surface"), () => drawSurface()) : null;

async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// One joint's volume of the chosen stack, and how to read it.
function chosen() {
  const entry = data.volumes[shown.entry], stack = entry.stacks[shown.stack];
  const size = stack.depth * stack.rows * stack.columns;
  const values = shown.voxels[shown.entry][shown.stack].subarray(shown.joint * size, (shown.joint + 1) * size);
  return { entry, ...stack, values, value: (z, y, x) => values[(z * stack.rows + y) * stack.columns + x] };
}

const personOf = (entry) => data.frames[entry.frame].people.find(({ id }) => id === entry.id);

// Where a corner of the volume's grid lies in the camera frame: back along the ray of its place in the picture.
function corner(volume, x, y, z) {
  const [left, top, side] = volume.entry.box;
  const depth = volume.entry.root + depthMin + (z / volume.depth) * (depthMax - depthMin);
  return [((left + (x / volume.columns) * side - cx) / fx) * depth, ((top + (y / volume.rows) * side - cy) / fy) * depth, depth];
}

// Faces between voxels above the level and below it: four grid corners and the normal's axis and sign.
function* facesOf(volume) {
  const level = 255 * shown.level, { depth, rows, columns, value } = volume;
  const inside = (z, y, x) =>
    z >= 0 && z < depth && y >= 0 && y < rows && x >= 0 && x < columns && value(z, y, x) > level;
  const sides = [[0, 1, 2], [1, 0, 2], [2, 0, 1]]; // axis of the normal, the two others; axes are z, y, x
  for (let z = 0; z < depth; z++) for (let y = 0; y < rows; y++) for (let x = 0; x < columns; x++) {
    if (value(z, y, x) <= level) continue;
    for (const [axis, first, second] of sides) for (const sign of [-1, 1]) {
      const next = [z, y, x];
      next[axis] += sign;
      if (inside(...next)) continue;
      yield [[0, 0], [1, 0], [1, 1], [0, 1]].map(([a, b]) => {
        const at = [z, y, x];
        at[axis] += sign > 0 ? 1 : 0;
        at[first] += a;
        at[second] += b;
        return corner(volume, at[2], at[1], at[0]);
      });
    }
  }
}

// The box of the volume in space, for orientation.
function drawFrame(volume) {
  const { columns, rows, depth } = volume;
  for (let bits = 0; bits < 8; bits++) for (const bit of [1, 2, 4]) {
    if (bits & bit) continue;
    const end = (mask) =>
      corner(volume, mask & 1 ? columns : 0, mask & 2 ? rows : 0, mask & 4 ? depth : 0);
    surface.line(end(bits), end(bits | bit), colors.faint, 1, 0.5);
  }
}

function drawSurface() {
  if (!shown.voxels[shown.entry]) return;
  const volume = chosen(), pen = surface.begin(), person = personOf(volume.entry);
  drawFrame(volume);
  const hue = { left: [0, 114, 178], right: [213, 94, 0], torso: [120, 120, 120] }[sides[shown.joint]];
  const parts = [];
  for (const face of facesOf(volume)) {
    const at = face.map((place) => surface.place(place));
    if (at.some((place) => !place)) continue;
    const [u, v] = [1, 3].map((i) => face[i].map((value, axis) => value - face[0][axis]));
    const normal = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]];
    const light = Math.abs(0.3 * normal[0] + 0.85 * normal[1] + 0.43 * normal[2]) / Math.hypot(...normal);
    const shade = 0.62 + 0.5 * light;
    const color = `rgb(${hue.map((part) => Math.min(255, Math.round(part * shade + 40 * light))).join(" ")} / 0.8)`;
    const away = at.reduce((sum, place) => sum + place[2], 0) / 4;
    parts.push([away, () => {
      pen.beginPath();
      at.forEach(([x, y], i) => (i ? pen.lineTo(x, y) : pen.moveTo(x, y)));
      pen.closePath();
      pen.fillStyle = color;
      pen.fill();
      pen.lineWidth = 0.5;
      pen.strokeStyle = color;
      pen.stroke();
    }]);
  }
  if (person) parts.push(...partsOf(surface, person));
  parts.sort((a, b) => b[0] - a[0]).forEach(([, draw]) => draw());
}

// Fill a canvas with the values of a grid, row by row from the top, in the colours of the ramp.
function drawGrid(id, grid, rows, columns, { behind = null, marks = () => {} } = {}) {
  const [pen, width, height] = sized(byId(id));
  const cell = document.createElement("canvas");
  Object.assign(cell, { width: columns, height: rows });
  const bitmap = cell.getContext("2d").createImageData(columns, rows);
  grid.forEach((value, i) => {
    const color = ramp[value];
    bitmap.data.set([...color, behind ? 60 + Math.round(Math.sqrt(value / 255) * 195) : 255], 4 * i);
  });
  cell.getContext("2d").putImageData(bitmap, 0, 0);
  if (behind) {
    pen.filter = "grayscale(1) brightness(0.8)";
    behind(pen, width, height);
    pen.filter = "none";
  }
  pen.imageSmoothingEnabled = false;
  pen.drawImage(cell, 0, 0, width, height);
  marks(pen, width, height);
}

function drawBehind(volume) {
  const image = images[data.frames[volume.entry.frame].picture];
  if (!image || !image.naturalWidth) return null;
  const ratio = image.naturalWidth / data.size_px[0], [left, top, side] = volume.entry.box;
  return (pen, width, height) =>
    pen.drawImage(image, left * ratio, top * ratio, side * ratio, side * ratio, 0, 0, width, height);
}

function drawProjections() {
  if (!shown.voxels[shown.entry]) return;
  const volume = chosen(), { depth, rows, columns, value } = volume;
  const front = new Uint8Array(rows * columns), above = new Uint8Array(depth * columns), slice = new Uint8Array(rows * columns);
  for (let z = 0; z < depth; z++) for (let y = 0; y < rows; y++) for (let x = 0; x < columns; x++) {
    const here = value(z, y, x), up = (depth - 1 - z) * columns + x; // far away is up
    front[y * columns + x] = Math.max(front[y * columns + x], here);
    above[up] = Math.max(above[up], here);
    if (z === shown.depth) slice[y * columns + x] = here;
  }
  const person = personOf(volume.entry), [left, top, side] = volume.entry.box;
  const ring = (across, down) => (pen, width, height) => {
    pen.strokeStyle = "#fff";
    pen.lineWidth = 1.5;
    pen.beginPath();
    pen.arc(across * width, down * height, 6, 0, 2 * Math.PI);
    pen.stroke();
  };
  const x = (person.px[2 * shown.joint] - left) / side, y = (person.px[2 * shown.joint + 1] - top) / side;
  const z = (person.mm[3 * shown.joint + 2] - volume.entry.root - depthMin) / (depthMax - depthMin);
  drawGrid("front", front, rows, columns, { behind: drawBehind(volume), marks: ring(x, y) });
  drawGrid("above", above, depth, columns, { marks: (pen, width, height) => {
    ring(x, 1 - z)(pen, width, height);
    pen.fillStyle = "#fff";
    pen.font = "11px system-ui, sans-serif";
    pen.textAlign = "left";
    for (const mm of [-500, 0, 500]) {
      const down = height * (1 - (mm - depthMin) / (depthMax - depthMin));
      pen.globalAlpha = 0.75;
      pen.fillText(`${mm > 0 ? "+" : ""}${mm}${mm ? "" : " mm"}`, 5, down + 4);
      pen.globalAlpha = 1;
    }
  } });
  drawGrid("slice", slice, rows, columns, { behind: drawBehind(volume), marks: ring(x, y) });
  const step = (depthMax - depthMin) / depth, from = depthMin + shown.depth * step;
  byId("depth-text").textContent = `bin ${shown.depth + 1} of ${depth}: ${from.toFixed(0)} to ${(from + step).toFixed(0)} mm`;
}

function drawVolume() {
  drawSurface();
  drawProjections();
}

// Go to a stack, and to the slice that its highest voxel lies in.
function chooseStack(stack) {
  shown.stack = stack;
  const volume = chosen();
  const highest = volume.values.indexOf(255);
  shown.depth = Math.max(0, Math.floor(highest / (volume.rows * volume.columns)));
  Object.assign(byId("depth"), { max: volume.depth - 1, value: shown.depth });
  for (const [i, button] of [...byId("stacks").children].entries()) button.setAttribute("aria-pressed", i === stack);
  drawVolume();
}

async function chooseEntry(number) {
  shown.entry = number;
  const entry = data.volumes[number], person = personOf(entry);
  if (!shown.voxels[number]) shown.voxels[number] = await Promise.all(entry.stacks.map(({ bytes }) => unpacked(bytes)));
  byId("stacks").replaceChildren(...entry.stacks.map((stack, i) => {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: `${i + 1}: d = ${stack.depth}` });
    button.addEventListener("click", () => chooseStack(i));
    return button;
  }));
  surface.target = joint(person, 0);
  surface.distance = 3.4 * Math.max(1000, (entry.box[2] / fx) * entry.root * 0.5);
  surface.look(-0.9, 0.3);
  chooseStack(entry.stacks.length - 1);
}

async function startVolumes() {
  if (!data.volumes.length) return;
  const option = (text, value) => Object.assign(document.createElement("option"), { textContent: text, value });
  byId("volume-person").append(...data.volumes.map((entry, i) =>
    option(`${entry.id}${data.frames.length > 1 ? `, ${data.frames[entry.frame].time_s.toFixed(2)} s` : ""}`, i)));
  byId("volume-person").parentElement.hidden = data.volumes.length < 2;
  byId("volume-joint").append(...names.map((name, j) => option(name, j)));
  byId("volume-joint").value = shown.joint;
  const say = () => (byId("level-text").textContent = `${Math.round(100 * shown.level)} % of the highest`);
  byId("volume-person").addEventListener("change", (event) => chooseEntry(Number(event.target.value)));
  byId("volume-joint").addEventListener("change", (event) => {
    shown.joint = Number(event.target.value);
    chooseStack(shown.stack);
  });
  byId("level").addEventListener("input", (event) => {
    shown.level = event.target.value / 100;
    say();
    drawSurface();
  });
  byId("depth").addEventListener("input", (event) => {
    shown.depth = Number(event.target.value);
    drawProjections();
  });
  byId("coarse-to-fine").addEventListener("click", () => {
    const count = data.volumes[shown.entry].stacks.length;
    for (let i = 0; i < count; i++) setTimeout(() => chooseStack(i), 900 * i);
  });
  new ResizeObserver(drawVolume).observe(byId("surface"));
  say();
  await chooseEntry(0);
}
