import type { Client } from "../api/client";
import { Problem } from "../api/problem";
import { put, putParts } from "../api/put";
import type { ImageRecord } from "../api/record";
import { Gate } from "../gate";
import { announce } from "./announce";
import { part } from "./element";
import type { Gallery } from "./gallery";
import type { Tile } from "./tile";
import { headline, images } from "./words";

/** Bodies that are sent at a time. */
const SENT_AT_A_TIME = 3;

/** How often those who listen are told how far the uploads are. */
const ANNOUNCED_EVERY = 5000;

/** One file on its way. */
interface Upload {
  file: File;
  tile: Tile;
  /** The image that was created for it. */
  id: string | null;
  sent: number;
  state: "waiting" | "developing" | "ready" | "refused" | "failed";
}

/** Takes files from their choice to their final record. */
export class Uploads {
  readonly #sending = new Gate(SENT_AT_A_TIME);
  readonly #summary = part("summary");
  #batch: Upload[] = [];
  #announced = 0;

  constructor(
    readonly client: Client,
    readonly gallery: Gallery,
  ) {
    window.addEventListener("beforeunload", (event) => {
      // Only what was not sent yet would be lost.
      if (this.#batch.some((upload) => upload.state === "waiting")) event.preventDefault();
    });
  }

  add(files: File[]): void {
    if (files.length === 0) return;
    // What is over is no part of the next summary.
    if (!this.#batch.some(isUnderWay)) this.#batch = [];
    const uploads = files.map((file): Upload => ({ file, id: null, sent: 0, state: "waiting", tile: this.gallery.begin(file.name) }));
    this.#batch.push(...uploads);
    this.#announced = Date.now();
    announce(`Uploading ${images(files.length)}`);
    this.#summarise();
    for (const upload of uploads) void this.#bring(upload);
  }

  async #bring(upload: Upload): Promise<void> {
    try {
      const id = await this.#sending.run(() => this.#send(upload));
      upload.state = "developing";
      const record = await this.gallery.follow(id);
      upload.state = record?.status === "ready" ? "ready" : "refused";
      if (record?.problem) announce(`${upload.file.name}: ${headline(record.problem)}`);
    } catch (error) {
      this.#failed(upload, error instanceof Problem ? error : fault(error));
    }
    this.#summarise();
  }

  async #send(upload: Upload): Promise<string> {
    const { file, tile } = upload;
    const created = await this.client.createUpload(file);
    upload.id = created.image_id;
    this.gallery.adopt(tile, pending(created.image_id, file));
    const sent = (count: number) => {
      upload.sent = Math.min(count, file.size);
      tile.progress(upload.sent, file.size);
      this.#summarise();
    };
    sent(0);
    if ("parts" in created.upload) await putParts(this.client, created.image_id, created.upload.parts, file, sent);
    else await put(created.upload, file, sent);
    sent(file.size);
    return created.image_id;
  }

  #failed(upload: Upload, problem: Problem): void {
    const arrived = upload.state === "developing";
    upload.state = "failed";
    announce(`${upload.file.name}: ${headline(problem)}`);
    // The image is there and goes its way; only the news of it were lost.
    if (arrived) return;
    const { tile } = upload;
    const retry = () => {
      void this.#abandon(upload);
      Object.assign(upload, { state: "waiting", sent: 0 });
      if (!this.#batch.includes(upload)) this.#batch.push(upload);
      void this.#bring(upload);
    };
    tile.fail(problem, retry, () => {
      void this.#abandon(upload);
      this.gallery.discard(tile);
      part("pick").focus();
    });
  }

  /** Takes an image back whose bytes will not come. What cannot be taken back expires by itself. */
  async #abandon(upload: Upload): Promise<void> {
    const { id } = upload;
    upload.id = null;
    if (id !== null) await this.client.erase(id).catch(() => {});
  }

  /** The line in the header, and now and then a word about it. */
  #summarise(): void {
    const batch = this.#batch;
    const open = batch.filter(isUnderWay).length;
    const total = batch.reduce((sum, upload) => sum + upload.file.size, 0);
    const sent = batch.reduce((sum, upload) => sum + (upload.state === "waiting" ? upload.sent : upload.file.size), 0);
    if (open > 0) {
      const share = total === 0 ? 100 : Math.floor((100 * sent) / total);
      const text = `${batch.length - open} of ${images(batch.length)} done · ${share} % sent`;
      this.#summary.textContent = text;
      if (Date.now() - this.#announced < ANNOUNCED_EVERY) return;
      this.#announced = Date.now();
      announce(text);
    } else if (batch.length > 0) {
      const ready = batch.filter((upload) => upload.state === "ready").length;
      const rest = batch.length - ready;
      const outcomes = [ready > 0 && `${images(ready)} ready`, rest > 0 && `${images(rest)} not taken`];
      const text = outcomes.filter(Boolean).join(", ");
      if (this.#summary.textContent !== text) announce(text);
      this.#summary.textContent = text;
    }
  }
}

function isUnderWay({ state }: Upload): boolean {
  return state === "waiting" || state === "developing";
}

/** What is known of an image whose bytes are on their way. */
function pending(id: string, file: File): ImageRecord {
  return {
    image_id: id, status: "pending", visibility: "public", created_at: new Date().toISOString(),
    filename: file.name, tags: {}, source: null, variants: [], placeholder: null, metadata: null, problem: null,
  };
}

/** A file that went away while it was read, for one. */
function fault(error: unknown): Problem {
  return new Problem("unreadable", "The file could not be sent", error instanceof Error ? error.message : String(error));
}
