// What a person is told at the foot of the page, and the words of a failure that the desk gave.

export async function told(answer) {
  try {
    const body = await answer.json();
    return [body.title, body.detail].filter(Boolean).join(" ");
  } catch {
    return String(answer.status);
  }
}

// `act`: [label, function] for a button, or nothing. It stays until the next one: nobody has to be quick.
export function toast(words, act = null) {
  const place = document.getElementById("toasts");
  const box = document.createElement("div");
  box.className = "toast";
  box.append(Object.assign(document.createElement("span"), { textContent: words }));
  if (act) {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: act[0] });
    button.addEventListener("click", () => {
      box.remove();
      act[1]();
    });
    box.append(button);
  }
  place.replaceChildren(box);
  return box;
}
