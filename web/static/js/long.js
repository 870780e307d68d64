// Work that takes long: a bar while a form or a file is worked on, and one that fills by itself for what is worked out
// in the background.

const OFTEN = 5000; // ms
const GLANCE = 300; // ms
const AT_MOST = 600000; // ms; a file that is not there by then has failed, and its own page said so

function bar(beside, words) {
  const box = document.createElement("div");
  box.className = "at-work";
  box.setAttribute("role", "status");
  const said = Object.assign(document.createElement("p"), { className: "small", textContent: words });
  const progress = Object.assign(document.createElement("progress"), { className: "bar-of" });
  progress.setAttribute("aria-label", words);
  box.append(said, progress);
  beside.after(box);
  return box;
}

for (const form of document.querySelectorAll("form[data-long]")) {
  form.addEventListener("submit", (event) => {
    if (event.submitter && "short" in event.submitter.dataset) return;
    if (!form.nextElementSibling?.matches(".at-work")) bar(form, form.dataset.long);
  });
}

// A file comes without a new page; a cookie of the name that was sent along tells that it is there.
function awaited(beside, words, address) {
  const name = `t${Date.now()}`;
  const box = bar(beside, words);
  const until = Date.now() + AT_MOST;
  const look = setInterval(() => {
    if (!document.cookie.includes(`liaison-there=${name}`) && Date.now() < until) return;
    clearInterval(look);
    box.remove();
  }, GLANCE);
  const url = new URL(address);
  url.searchParams.set("there", name);
  location.assign(url);
}
for (const link of document.querySelectorAll("a[data-file]")) {
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    awaited(link.closest("p"), link.dataset.file, link.href);
  });
}
for (const form of document.querySelectorAll("form[data-file]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const url = new URL(form.action);
    for (const [key, value] of new FormData(form)) url.searchParams.set(key, value);
    awaited(form, form.dataset.file, url);
  });
}
addEventListener("pageshow", (event) => {
  if (event.persisted) for (const box of document.querySelectorAll(".at-work")) box.remove();
});

const here = document.querySelector("[data-goes-on]");
async function goOn() {
  if (!document.hidden) {
    const answer = await fetch(here.dataset.goesOn).catch(() => null);
    if (answer?.ok && !answer.redirected) {
      const { share, words } = await answer.json();
      if (share === null) return location.reload();
      here.querySelector("progress").value = share;
      here.querySelector("p").textContent = words;
    }
  }
  setTimeout(goOn, OFTEN);
}
if (here) setTimeout(goOn, OFTEN);
