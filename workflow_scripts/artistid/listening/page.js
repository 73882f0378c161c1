"use strict";
// Everything that comes from the corpus is set as text (textContent), never as HTML.

const AT_ONCE = 200; // tracks that are added to the list when its end comes into view
const ROWS = 6; // artists under a player: the most probable ones, and the true one

const page = JSON.parse(document.getElementById("page").textContent);
const element = (id) => document.getElementById(id);
let run = null; // the chosen run, unpacked
let listed = []; // its tracks that pass the filters
let drawn = 0; // of these, how many are in the list
let chosen = null; // the answer that is shown
let players = []; // {audio, follow} of what is shown

function make(tag, parts = {}, ...children) {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(parts)) {
    if (key === "text") made.textContent = value;
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

function makeSvg(tag, parts, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(parts)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function options(select, first, names) {
  const before = select.value;
  const all = names.map((name, number) => make("option", { value: String(number), text: name }));
  select.replaceChildren(...(first === null ? [] : [make("option", { value: "", text: first })]), ...all);
  select.names = names;
  return before;
}

// The text of what is chosen; null where nothing is.
const picked = (select) => (select.value === "" ? null : select.names[Number(select.value)]);

function pick(select, name) {
  const number = select.names.indexOf(name);
  select.value = number < 0 ? "" : String(number);
}

const inOrder = (names) => [...new Set(names)].sort((a, b) => a.localeCompare(b));

function clock(seconds) {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

async function unpack(number) {
  const raw = JSON.parse(element(`run-${number}`).textContent);
  const packed = Uint8Array.from(atob(raw.probabilities), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const levels = new Uint8Array(await new Response(stream).arrayBuffer());
  const answers = [];
  let first = 0;
  for (const [track, target, answer, slices] of raw.tracks) {
    answers.push({ track, target, answer, slices, first, of: page.tracks[track] });
    first += slices;
  }
  answers.sort((a, b) => a.track - b.track);
  const byTrack = new Map(answers.map((answer) => [answer.track, answer]));
  return { ...raw, levels, answers, byTrack };
}

// The probability of a class in a slice of a track.
function probability(answer, slice, k) {
  return run.levels[(answer.first + slice) * run.classes.length + k] / page.levels;
}

async function chooseRun() {
  const number = Number(element("run").value);
  const unpacked = await unpack(number);
  if (Number(element("run").value) !== number) return; // another one was chosen meanwhile
  run = unpacked;
  const artist = picked(element("artist"));
  options(element("artist"), "all", inOrder(run.answers.map((answer) => answer.of.artist)));
  pick(element("artist"), artist);
  chooseArtist();
}

function chooseArtist() {
  const artist = picked(element("artist"));
  const album = picked(element("album"));
  const ofArtist = run.answers.filter(({ of }) => artist === null || of.artist === artist);
  options(element("album"), "all", inOrder(ofArtist.map((answer) => answer.of.album)));
  pick(element("album"), album);
  filter();
}

function filter() {
  const artist = picked(element("artist"));
  const album = picked(element("album"));
  const outcome = element("outcome").value;
  const withCopies = element("copies").checked;
  listed = run.answers.filter(
    ({ of, target, answer }) =>
      (artist === null || of.artist === artist) &&
      (album === null || of.album === album) &&
      (outcome === "" || (outcome === "right") === (target === answer)) &&
      (!withCopies || of.copies.length > 0)
  );
  const right = listed.filter(({ target, answer }) => target === answer).length;
  element("count").textContent =
    `${listed.length} of ${run.answers.length} ${page.subset} tracks, ${right} right`;
  element("tracks").replaceChildren();
  element("tracks").scrollTop = 0;
  drawn = 0;
  drawMore();
  const kept = chosen && listed.find(({ track }) => track === chosen.track);
  show(kept || listed[0] || null);
}

function drawMore() {
  const more = listed.slice(drawn, drawn + AT_ONCE);
  drawn += more.length;
  element("tracks").append(...more.map(item));
}

const isRight = (answer) => answer.target === answer.answer;

function item(answer) {
  const verdict = isRight(answer)
    ? make("span", { class: "right", text: "right" })
    : make("span", { class: "wrong", text: "wrong" });
  const { name, artist, album } = answer.of;
  const button = make(
    "button",
    { type: "button", "data-track": String(answer.track), title: `${artist} – ${album} – ${name}` },
    make("span", { class: "name", text: name }),
    verdict,
    make("span", { class: "of", text: `${artist} – ${album}` })
  );
  button.addEventListener("click", () => show(answer));
  if (chosen && chosen.track === answer.track) button.setAttribute("aria-current", "true");
  return make("li", {}, button);
}

function show(answer) {
  for (const { audio } of players) {
    audio.pause();
    audio.removeAttribute("src"); // lets go of the file
    audio.load();
  }
  players = [];
  chosen = answer;
  for (const button of element("tracks").querySelectorAll("button")) {
    if (answer && button.dataset.track === String(answer.track)) {
      button.setAttribute("aria-current", "true");
    } else button.removeAttribute("aria-current");
  }
  if (!answer) {
    element("track").replaceChildren(make("p", { class: "hint", text: "No track passes the filters." }));
    return;
  }
  const sides = [side(answer.track, null), ...answer.of.copies.map(([other, later]) => side(other, later))];
  element("track").replaceChildren(make("div", { class: "sides" }, ...sides));
  element("track").scrollTop = 0;
}

// A track with its player and its chart; `later` of a near-duplicate, null of the track itself.
function side(track, later) {
  const of = page.tracks[track];
  const answer = run.byTrack.get(track);
  const made = make("article", { class: "side", "data-track": String(track) });
  if (later !== null) {
    const much = Math.abs(later).toFixed(1);
    const when = much === "0.0" ? "at the same time" : `${much} s ${later > 0 ? "later" : "earlier"}`;
    made.append(make("p", { class: "quiet", text: `Near-duplicate: the same sound comes ${when}` }));
  } else if (of.copies.length) {
    made.append(make("p", { class: "quiet", text: "This track" })); // charts stand at equal heights
  }
  made.append(make(later === null ? "h2" : "h3", { text: of.name }));
  made.append(make("p", { class: "quiet", text: `${of.artist} – ${of.album}, ${clock(of.seconds)}` }));
  if (!answer) {
    made.append(make("p", { text: `Not a ${page.subset} track of this run: it has no answers.` }));
  } else if (isRight(answer)) {
    made.append(make("p", { class: "right", text: `Right: ${run.classes[answer.answer]}` }));
  } else {
    const [said, meant] = [run.classes[answer.answer], run.classes[answer.target]];
    made.append(make("p", { class: "wrong", text: `Wrong: ${said}. It is ${meant}` }));
  }
  let audio = null;
  if (of.source === null) made.append(make("p", { class: "quiet", text: "Its sound could not be read." }));
  else {
    audio = make("audio", { controls: "", preload: "metadata", src: of.source, "aria-label": `Play ${of.name}` });
    const failed = make("p", { class: "wrong", text: "This browser cannot play the recording.", hidden: "" });
    audio.addEventListener("error", () => failed.toggleAttribute("hidden", !audio.hasAttribute("src")));
    made.append(audio, failed);
  }
  const follow = answer ? chart(made, answer, audio) : () => {};
  if (audio) watch(audio, follow);
  return made;
}

function watch(audio, follow) {
  players.push({ audio, follow });
  const frame = () => {
    follow();
    if (!audio.paused && !audio.ended) requestAnimationFrame(frame);
  };
  audio.addEventListener("play", () => {
    for (const other of players) if (other.audio !== audio) other.audio.pause();
    frame();
  });
  for (const event of ["timeupdate", "seeked", "loadedmetadata", "ended"]) {
    audio.addEventListener(event, follow);
  }
}

// Classes that are shown of a track: those of the highest mean probability, and the true one.
function bestClasses(answer) {
  const sums = run.classes.map((_, k) => {
    let sum = 0;
    for (let slice = 0; slice < answer.slices; slice += 1) sum += probability(answer, slice, k);
    return sum;
  });
  const ranked = run.classes.map((_, k) => k).sort((a, b) => sums[b] - sums[a]);
  const best = ranked.slice(0, ROWS);
  if (!best.includes(answer.target)) best[best.length - 1] = answer.target;
  return best;
}

function outline(answer, k) {
  let path = "M0 1";
  for (let slice = 0; slice < answer.slices; slice += 1) {
    path += `V${(1 - probability(answer, slice, k)).toFixed(3)}H${slice + 1}`;
  }
  return `${path}V1Z`;
}

// Draw the chart below a player, and return what moves its cursor to where the player is.
function chart(parent, answer, audio) {
  const { of, slices } = answer;
  const seconds = Math.max(of.seconds, slices * run.slice_seconds);
  const rows = bestClasses(answer);
  const made = make("div", { class: "chart" });
  const shown = rows.map((k, row) => {
    const own = k === answer.target ? " own" : "";
    const place = `${row + 1}`;
    const name = make("span", { class: `artist${own}`, text: run.classes[k], title: run.classes[k] });
    const strip = makeSvg(
      "svg",
      {
        viewBox: `0 0 ${seconds / run.slice_seconds} 1`,
        preserveAspectRatio: "none",
        "aria-hidden": "true",
      },
      makeSvg("path", { class: own.trim(), d: outline(answer, k) })
    );
    const now = make("span", { class: "now" });
    for (const cell of [name, strip, now]) cell.style.gridRow = place;
    made.append(name, strip, now);
    return { k, now };
  });
  const over = make("div", { class: "over" });
  over.style.gridRow = `1 / ${rows.length + 1}`;
  const cursor = make("div", { class: "cursor" });
  const isExcerpt = of.source !== null && of.clip_seconds < of.seconds;
  if (isExcerpt) {
    const excerpt = make("div", { class: "excerpt" });
    excerpt.style.left = `${(100 * of.start) / seconds}%`;
    excerpt.style.width = `${(100 * of.clip_seconds) / seconds}%`;
    over.append(excerpt);
  }
  over.append(cursor);
  const axis = make("div", { class: "axis", "aria-hidden": "true" });
  axis.append(...[0, 0.5, 1].map((share) => make("span", { text: clock(share * seconds) })));
  axis.style.gridRow = `${rows.length + 1}`;
  made.append(over, axis);
  const left = run.classes.length - rows.length;
  const scale = `Probabilities from 0 to 1, a step for each slice of ${run.slice_seconds.toFixed(2)} s`;
  const more = left > 0 ? `; ${left} less probable artists are not shown` : "";
  const shaded = isExcerpt ? "; the shaded part is the excerpt that is played" : "";
  parent.append(made, make("p", { class: "quiet", text: `${scale}${shaded}${more}.` }));

  const follow = () => {
    const second = of.start + (audio ? audio.currentTime : 0);
    cursor.style.left = `${Math.min(100, (100 * second) / seconds)}%`;
    const slice = Math.min(slices - 1, Math.floor(second / run.slice_seconds));
    for (const { k, now } of shown) {
      now.textContent = slices ? probability(answer, slice, k).toFixed(2) : "";
    }
  };
  over.addEventListener("click", (event) => {
    if (!audio) return;
    const box = over.getBoundingClientRect();
    const second = ((event.clientX - box.left) / box.width) * seconds - of.start;
    audio.currentTime = Math.max(0, Math.min(second, audio.duration || 0));
  });
  follow();
  return follow;
}

element("title").textContent = page.title;
element("notes").append(...page.notes.map((text) => make("p", { text })));
options(element("run"), null, page.runs);
options(element("artist"), "all", []);
options(element("album"), "all", []);
element("filters").addEventListener("submit", (event) => event.preventDefault());
element("run").addEventListener("change", chooseRun);
element("artist").addEventListener("change", chooseArtist);
for (const id of ["album", "outcome", "copies"]) element(id).addEventListener("change", filter);
element("tracks").addEventListener("scroll", () => {
  const list = element("tracks");
  if (list.scrollTop + list.clientHeight > list.scrollHeight - 800 && drawn < listed.length) drawMore();
});
chooseRun();
