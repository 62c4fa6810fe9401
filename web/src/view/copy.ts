import { announce } from "./announce";
import { element } from "./element";

/** How long a button says that it has copied. */
const SAID_FOR = 2000;

/** A button that copies a text, and says so. `what` names it: "URL of small, WebP". */
export function copyButton(what: string, text: string, label = "Copy URL"): HTMLButtonElement {
  const button = element("button", { type: "button", className: "copy" });
  const say = (text: string) => {
    button.textContent = text;
    button.ariaLabel = `${text}: ${what}`;
  };
  say(label);
  button.addEventListener("click", async () => {
    const copied = (await copy(text, button)) ? "Copied" : "Not copied";
    announce(`${copied}: ${what}`);
    say(copied);
    setTimeout(() => say(label), SAID_FOR);
  });
  return button;
}

async function copy(text: string, near: HTMLElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // On plain HTTP a page has no clipboard of its own, but may copy what is selected.
    const field = element("textarea", { value: text, readOnly: true, className: "unseen" });
    near.after(field);
    field.select();
    const copied = document.execCommand("copy");
    field.remove();
    near.focus();
    return copied;
  }
}
