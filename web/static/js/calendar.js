// Drag a post to another day; the form beside it does the same without this. What was moved can be undone at once.
import { told, toast } from "./told.js";

const calendar = document.querySelector("[data-calendar]");
const MOVED = "calendar-moved"; // across the load that shows the new month

async function put(post, wall) {
  const answer = await fetch(`/api/v1/posts/${post}/time`, {
    method: "PUT",
    headers: { "Content-Type": "application/json", "X-CSRF-Token": document.querySelector("[name=csrf-token]").content },
    body: JSON.stringify({ wall_time: wall }),
  });
  if (!answer.ok) throw new Error(await told(answer));
}

async function move(post, from, to, note) {
  try {
    await put(post, to);
    sessionStorage.setItem(MOVED, JSON.stringify({ post, from, to, note }));
    location.reload();
  } catch (error) {
    toast(`${calendar.dataset.failed} ${error.message}`);
  }
}

if (calendar) {
  let carried = null;
  for (const hint of document.querySelectorAll("[data-only-script]")) hint.hidden = false;
  for (const event of calendar.querySelectorAll(".ev[data-wall]")) {
    event.draggable = true;
    event.addEventListener("dragstart", (drag) => {
      carried = event;
      drag.dataTransfer.effectAllowed = "move";
      drag.dataTransfer.setData("text/plain", event.textContent);
      event.classList.add("is-carried");
    });
    event.addEventListener("dragend", () => {
      carried = null; // what is dragged here next may be no post
      event.classList.remove("is-carried");
      for (const cell of calendar.querySelectorAll(".is-over")) cell.classList.remove("is-over");
    });
  }
  for (const cell of calendar.querySelectorAll("td[data-day]")) {
    cell.addEventListener("dragover", (drag) => {
      if (!carried) return;
      drag.preventDefault();
      cell.classList.add("is-over");
    });
    cell.addEventListener("dragleave", () => cell.classList.remove("is-over"));
    cell.addEventListener("drop", (drag) => {
      drag.preventDefault();
      const [day, hour] = carried.dataset.wall.split("T");
      if (day === cell.dataset.day) return;
      const read = { weekday: "short", day: "numeric", month: "short" };
      const shown = new Date(`${cell.dataset.day}T12:00`).toLocaleDateString(document.documentElement.lang, read);
      const note = calendar.dataset.moved.replace("{day}", shown).replace("{hour}", hour);
      move(carried.dataset.post, carried.dataset.wall, `${cell.dataset.day}T${hour}`, note);
    });
  }
  const done = JSON.parse(sessionStorage.getItem(MOVED) ?? "null");
  sessionStorage.removeItem(MOVED);
  if (done) {
    const undo = done.from && done.note !== calendar.dataset.back
      ? [calendar.dataset.undo, () => move(done.post, done.to, done.from, calendar.dataset.back)]
      : null;
    toast(done.note, undo);
  }
}
