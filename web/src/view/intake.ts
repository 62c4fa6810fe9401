import { part } from "./element";

/** Brings files in: by choosing, by dropping anywhere on the page, by pasting. */
export function listenForFiles(add: (files: File[]) => void): void {
  const input = part<HTMLInputElement>("files");
  for (const id of ["pick", "choose"]) part(id).addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    add([...(input.files ?? [])]);
    // The same file chosen again is a change only when the field was emptied.
    input.value = "";
  });
  listenForDrops(add);
  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length === 0) return;
    event.preventDefault();
    add(files);
  });
}

function listenForDrops(add: (files: File[]) => void): void {
  const curtain = part("curtain");
  const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
  // Each element that the pointer enters and leaves sends its own events: only their sum tells.
  let depth = 0;
  const show = (by: number) => {
    depth = Math.max(0, depth + by);
    curtain.hidden = depth === 0;
  };
  document.addEventListener("dragenter", (event) => hasFiles(event) && show(1));
  document.addEventListener("dragleave", (event) => hasFiles(event) && show(-1));
  document.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    // Without this the browser opens the file instead of the page.
    event.preventDefault();
    if (event.dataTransfer) event.dataTransfer.dropEffect = "copy";
  });
  document.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    show(-depth);
    add([...(event.dataTransfer?.files ?? [])]);
  });
}
