// Compose, as an extra on a form that works without it: saves the draft every few seconds, keeps a copy in this
// browser until it is saved, counts against each network's limits while one writes, redraws the previews, and adds a
// picture as soon as it is chosen.

const form = document.getElementById("compose");
const words = form.dataset;
const message = form.elements.message;
const SAVE_AFTER = 2500; // ms without a key
const CHECK_AFTER = 250;

let post = words.post; // "" until the first save gives it a number
let saved = shape();
let timers = {};
let saving = null; // while one is under way: the promise of its end
let broken = false; // a conflict: stop saving, keep the copy
let refused = ""; // the shape that the desk would not keep: nothing to try again before it changes

function fields() {
  const out = {};
  for (const [name, value] of new FormData(form)) {
    if (["csrf", "revision", "was", "picture", "link", "campaign"].includes(name) || /^(shape|focus)_/.test(name)) continue; // sent by their own buttons
    if (name === "accounts" || name === "asked") (out[name] ??= []).push(Number(value));
    else out[name] = value;
  }
  out.accounts ??= [];
  out.asked ??= [];
  return out;
}

function shape() {
  return JSON.stringify(fields());
}

function draft() {
  const { accounts, asked, ...rest } = fields();
  const own = {};
  const options = {};
  const alts = {};
  for (const [name, value] of Object.entries(rest)) {
    const [kind, number, ...option] = name.split("_");
    if (kind === "variant") own[number] = value.trim() ? value : null;
    else if (kind === "alt") alts[number] = value;
    else if (kind === "option") (options[number] ??= {})[option.join("_")] = value;
    else continue;
    delete rest[name];
  }
  return { ...rest, accounts, asked, own, options, alts };
}

function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

function say(text, well = false) {
  document.querySelector("#saved span").textContent = text;
  document.querySelector("#saved svg").toggleAttribute("hidden", !well);
}

function postJson(address, body) {
  return fetch(address, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRF-Token": form.elements.csrf.value },
    body: JSON.stringify(body),
  });
}

// After a sign-in in another tab the form's token belongs to the old one: get the new one and try once more.
async function send(address, body) {
  let answer = await postJson(address, body);
  if (answer.status === 401 || answer.status === 403) {
    const fresh = await fetch("/account/form-token", { redirect: "manual" });
    const now = fresh.ok ? await fresh.json() : {};
    if (String(now.person) !== words.person) throw Object.assign(new Error("signed out"), { signedOut: true }); // or as another
    form.elements.csrf.value = now.token;
    answer = await postJson(address, body);
  }
  if (!answer.ok) {
    const { why } = answer.status === 422 ? await answer.json().catch(() => ({})) : {};
    throw Object.assign(new Error(String(answer.status)), { status: answer.status, why });
  }
  return answer.json();
}

// ---- a copy in this browser, until what it holds is stored

function copyKey() {
  return `liaison-draft-${words.person}-${post || "new"}`;
}

function keepCopy() {
  try {
    localStorage.setItem(copyKey(), JSON.stringify(fields()));
  } catch {
    // a full or closed store only costs the second net; the draft is saved on the desk as well
  }
}

function dropCopy() {
  try {
    localStorage.removeItem(copyKey());
  } catch {
    // as above
  }
}

function offerCopy() {
  let kept = null;
  try {
    kept = JSON.parse(localStorage.getItem(copyKey()));
  } catch {
    return;
  }
  if (kept && !kept.title) kept.title = form.elements.title.value; // the server gives one to a post without
  if (!kept || JSON.stringify(kept) === saved) return;
  const box = document.getElementById("kept");
  box.hidden = false;
  document.getElementById("kept-use").addEventListener("click", () => {
    for (const [name, value] of Object.entries(kept)) {
      if (name === "accounts" || name === "asked") {
        for (const box of form.querySelectorAll(`[name=${name}]`)) box.checked = value.includes(Number(box.value));
      } else if (form.elements[name]) {
        form.elements[name].value = value;
      }
    }
    box.hidden = true;
    changed();
    message.focus();
  });
  document.getElementById("kept-drop").addEventListener("click", () => {
    dropCopy();
    box.hidden = true;
    message.focus();
  });
}

// ---- saving

async function save() {
  if (saving || broken || [saved, refused].includes(shape())) return;
  const now = shape();
  if (!post && !message.value.trim() && !form.elements.title.value.trim()) return; // nothing to make a draft of
  let done;
  saving = new Promise((resolve) => (done = resolve));
  say(words.saving);
  try {
    const address = post ? `/compose/${post}/draft` : "/compose/draft";
    const kept = { revision: Number(form.elements.revision.value), was: form.elements.was?.value };
    const told = await send(address, { ...draft(), ...kept });
    dropCopy();
    if (!post) {
      post = String(told.id);
      form.action = `/compose/${post}`;
      history.replaceState(null, "", `/compose/${post}`);
    }
    form.elements.revision.value = told.revision;
    if (form.elements.was) form.elements.was.value = told.was;
    saved = now;
    refused = "";
    if (shape() !== saved) keepCopy();
    const { day, hour } = JSON.parse(now);
    const timed = told.was === (day && hour ? `${day}T${hour.slice(0, 5)}` : "");
    say(fill(timed ? words.saved : words.untimed, { time: told.at }), true);
  } catch (error) {
    broken = error.status === 409;
    if (error.why) refused = now;
    const unsaved = error.why ? fill(words.refused, { why: error.why }) : words.unsaved;
    say(broken ? words.conflict : error.signedOut ? words.signedOut : unsaved);
    if (!broken && !error.why) soon("save", save, 4 * SAVE_AFTER);
  } finally {
    saving = null;
    done();
  }
  if (!broken && ![saved, refused].includes(shape())) soon("save", save, SAVE_AFTER);
}

function soon(name, job, wait) {
  clearTimeout(timers[name]);
  timers[name] = setTimeout(job, wait);
}

// ---- limits and previews

function cardsOnPage() {
  return [...form.querySelectorAll("[data-account]")];
}

async function check() {
  let told;
  try {
    told = await send(`/compose/check${post ? `?post=${post}` : ""}`, draft());
  } catch {
    return; // the server checks again before anything is sent on
  }
  document.getElementById("reads").textContent = told.reads;
  for (const card of cardsOnPage()) {
    const found = told[card.dataset.account];
    if (!found) continue;
    card.querySelector("[data-meter]").innerHTML = found.meter;
    card.querySelector("[data-verdict]").innerHTML = found.verdict;
    const chosen = card.querySelector("[name=accounts]").checked;
    card.classList.toggle("variant--bad", chosen && !found.fine);
    card.classList.toggle("variant--off", !chosen);
    card.querySelector("[data-preview]").innerHTML = found.preview;
  }
}

function count() {
  const text = message.value;
  const values = { characters: [...text].length, words: text.split(/\s+/).filter(Boolean).length };
  document.getElementById("message-count").textContent = fill(words.words, values);
  document.getElementById("heading").textContent = form.elements.title.value.trim() || words.new;
}

function changed() {
  keepCopy();
  count();
  soon("check", check, CHECK_AFTER);
  soon("save", save, SAVE_AFTER);
}

form.addEventListener("input", changed);
form.addEventListener("change", changed);
form.addEventListener("submit", (event) => {
  keepCopy(); // dropped when the next page shows that it is stored
  broken = true; // the form is on its way; a save behind its back would only meet a conflict
  if (!saving) return;
  event.preventDefault(); // one is under way: its answer brings the revision that this form needs
  const button = event.submitter;
  saving.then(() => form.requestSubmit(button));
});
addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden") save();
});
const picture = document.getElementById("picture");
const addPicture = document.getElementById("add-picture");
picture.addEventListener("change", () => {
  if (picture.files.length) form.requestSubmit(addPicture);
});
addPicture.addEventListener("click", (event) => {
  if (picture.files.length) return;
  event.preventDefault(); // nothing is chosen, or what was is stored already: then another is chosen
  picture.click();
});
for (const part of form.querySelectorAll("[data-crop]")) {
  const picture = part.closest("li").querySelector("img");
  const [shape, focus] = part.querySelectorAll("select, input");
  const show = () => {
    const sides = part.open && shape.selectedOptions[0].dataset.sides;
    picture.style.aspectRatio = sides || "";
    picture.style.objectFit = sides ? "cover" : "";
    picture.style.objectPosition = `${focus.value}% ${focus.value}%`;
  };
  for (const kind of ["input", "toggle"]) part.addEventListener(kind, show);
}
for (const one of form.querySelectorAll(".sentence")) {
  const button = one.querySelector("[data-put]");
  button.hidden = false;
  button.addEventListener("click", () => {
    const text = one.querySelector("[data-sentence]").textContent;
    message.setRangeText(text, message.selectionStart, message.selectionEnd, "end");
    message.focus();
    changed();
  });
}
for (const part of form.querySelectorAll(".reword")) {
  part.addEventListener("toggle", () => {
    const area = part.querySelector("textarea");
    if (part.open && !area.value) {
      area.value = message.value;
      area.focus();
    } else if (!part.open && area.value === message.value) {
      area.value = ""; // opened and left as it was: it goes on following the message
    }
    changed();
  });
}

if (new URLSearchParams(location.search).has("said")) dropCopy(); // the server has just told that it stored it
else offerCopy();
