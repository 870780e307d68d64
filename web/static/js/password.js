// What is typed can be seen, and how hard a new password is to guess is said while it is typed: by the desk, with the
// measure that decides when it is sent.

const WAIT = 400; // ms after the last key

for (const button of document.querySelectorAll("[data-show]")) {
  const field = document.getElementById(button.dataset.show);
  button.hidden = false;
  button.addEventListener("click", () => {
    const shown = field.type === "password";
    field.type = shown ? "text" : "password";
    button.setAttribute("aria-pressed", String(shown));
  });
  field.form.addEventListener("submit", () => { field.type = "password"; }); // browsers remember text fields
}

for (const line of document.querySelectorAll("[data-strength]")) {
  const field = document.getElementById(line.dataset.of);
  const [meter, words] = [line.querySelector("meter"), line.querySelector("output")];
  let timer = 0;
  let asked = 0;
  field.addEventListener("input", () => {
    clearTimeout(timer);
    line.hidden = !field.value;
    if (field.value) timer = setTimeout(ask, WAIT);
  });
  async function ask() {
    const mine = ++asked;
    const body = new FormData();
    body.set("csrf", field.form.elements.csrf.value);
    body.set("new", field.value);
    try {
      const answer = await fetch(line.dataset.strength, { method: "POST", body });
      const found = answer.ok ? await answer.json() : null;
      if (mine !== asked || !found) return;
      meter.value = found.score;
      words.textContent = found.words;
    } catch {
      // without an answer there is no measure; sending the form tells
    }
  }
}
