import { Client, type Host } from "./api/client";
import { Problem } from "./api/problem";
import { Detail } from "./view/detail";
import { part } from "./view/element";
import { Gallery } from "./view/gallery";
import { listenForFiles } from "./view/intake";
import { KeyDialog } from "./view/key";
import { Notice } from "./view/notice";
import { Uploads } from "./view/uploads";
import { headline, sentence } from "./view/words";

const notice = new Notice();
const keys = new KeyDialog();
const forget = part("forget");

const host: Host = {
  askForKey: (problem) => keys.ask(problem),
  keyAccepted: () => {
    keys.accepted();
    forget.hidden = false;
  },
  waiting: (reason, milliseconds) => {
    if (reason === null) return notice.clear();
    const wait = milliseconds < 1500 ? "a moment" : `${Math.round(milliseconds / 1000)} seconds`;
    notice.show(`${reason.title}.`, `${sentence(reason.detail)} Trying again in ${wait}.`);
  },
};

const client = new Client(host);
const gallery = new Gallery(client, (record) => detail.update(record));
const detail = new Detail(client, gallery, refused);
const uploads = new Uploads(client, gallery);

forget.hidden = !client.hasKey;
forget.addEventListener("click", () => {
  client.forgetKey();
  // What was shown belongs to the key's owner.
  location.reload();
});
listenForFiles((files) => uploads.add(files));
window.addEventListener("offline", () => host.waiting(Problem.unreachable(), 0));
window.addEventListener("online", () => notice.clear());
void load();

async function load(): Promise<void> {
  try {
    await gallery.load();
    detail.route();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    part("state").textContent = "";
    refused(error, () => {
      notice.clear();
      void load();
    });
  }
}

/** Says what is in the way, and how to go on. */
function refused(problem: Problem, again?: () => void): void {
  const label = problem.status === 401 ? "Enter a key" : "Try again";
  notice.show(`${headline(problem)}.`, sentence(problem.detail), again && { label, run: again });
}
