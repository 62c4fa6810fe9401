import { element } from "./element";

/** Asks whether to erase. Escape and the first button say no. */
export function confirmErasure(name: string): Promise<boolean> {
  const keep = element("button", { type: "button", textContent: "Keep it" });
  const erase = element("button", { type: "button", className: "danger", textContent: "Erase for good" });
  const dialog = element(
    "dialog", { className: "small", role: "alertdialog", aria: { labelledby: "erase-title", describedby: "erase-text" } },
    element("h2", { id: "erase-title", textContent: `Erase ${name}?` }),
    element("p", { id: "erase-text", textContent: "The original and all variants go, and their URLs with them. Nobody can bring them back." }),
    element("div", { className: "actions" }, keep, erase),
  );
  document.body.append(dialog);
  dialog.showModal();
  keep.focus();
  return new Promise((resolve) => {
    let sure = false;
    keep.addEventListener("click", () => dialog.close());
    erase.addEventListener("click", () => {
      sure = true;
      dialog.close();
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(sure);
    });
  });
}
