import { Problem } from "./problem";
import { backoff, pause } from "./pause";
import type { ImageRecord } from "./record";

/** Who answers for the client where it cannot go on by itself. */
export interface Host {
  /** Asks for an API key; null where none is given. */
  askForKey(problem: Problem): Promise<string | null>;
  /** The key that was given last is good. */
  keyAccepted(): void;
  /** Requests wait, or null: they are answered again. */
  waiting(reason: Problem | null, milliseconds: number): void;
}

/** One request of an upload, and what its client has to set itself. */
export interface Put {
  url: string;
  headers: Record<string, string>;
}

export interface UploadPart extends Put {
  number: number;
  offset: number;
  length: number;
}

export interface NewUpload {
  image_id: string;
  /** By parts where it is long. */
  upload: Put | { parts: UploadPart[] };
}

export interface SentPart {
  number: number;
  etag: string;
}

export interface ImagePage {
  images: ImageRecord[];
  next_cursor: string | null;
}

const STORED_KEY = "darkroom.key";

/** The API, by fetch. A request waits through what passes: no network, a busy server, a missing key. */
export class Client {
  #key = sessionStorage.getItem(STORED_KEY);
  #asking: Promise<string | null> | null = null;
  #unproven = false;

  constructor(readonly host: Host) {}

  get hasKey(): boolean {
    return this.#key !== null;
  }

  forgetKey(): void {
    this.#key = null;
    sessionStorage.removeItem(STORED_KEY);
  }

  async images(cursor: string | null): Promise<ImagePage> {
    const query = new URLSearchParams({ limit: "50" });
    if (cursor !== null) query.set("cursor", cursor);
    return (await this.send(`/v1/images?${query}`)).json();
  }

  async image(id: string): Promise<ImageRecord> {
    return (await this.send(`/v1/images/${encodeURIComponent(id)}`)).json();
  }

  async erase(id: string): Promise<void> {
    await this.send(`/v1/images/${encodeURIComponent(id)}`, { method: "DELETE" });
  }

  async createUpload(file: File): Promise<NewUpload> {
    // Control characters are not taken in names, and need not be kept.
    const filename = [...file.name.replace(/\p{Cc}/gu, "")].slice(-255).join("");
    const terms = {
      content_length: file.size,
      content_type: file.type || "application/octet-stream",
      ...(filename === "" ? {} : { filename }),
    };
    const response = await this.send("/v1/uploads", {
      method: "POST",
      body: JSON.stringify(terms),
      // A repetition after a lost answer finds the same upload.
      headers: { "Content-Type": "application/json", "Idempotency-Key": randomKey() },
    });
    return response.json();
  }

  /** The parts of an upload with URLs that are good again. */
  async signParts(id: string): Promise<UploadPart[]> {
    const response = await this.send(`/v1/uploads/${encodeURIComponent(id)}/parts`, { method: "POST" });
    return (await response.json()).parts;
  }

  async completeUpload(id: string, parts: SentPart[]): Promise<void> {
    await this.send(`/v1/uploads/${encodeURIComponent(id)}/complete`, {
      method: "POST",
      body: JSON.stringify({ parts }),
      headers: { "Content-Type": "application/json" },
    });
  }

  /** Sends a request until it is answered; a refusal that will not pass is thrown as a Problem. */
  async send(path: string, init: RequestInit = {}): Promise<Response> {
    for (let attempt = 0; ; attempt += 1) {
      const key = this.#key;
      const response = await this.#fetch(path, init, key);
      if (response === null) {
        await this.#wait(Problem.unreachable(), backoff(attempt));
        continue;
      }
      if (response.status === 401) {
        await this.#renewKey(key, await Problem.of(response));
        continue;
      }
      this.#acceptKey(key);
      if (response.ok) {
        this.host.waiting(null, 0);
        return response;
      }
      const problem = await Problem.of(response);
      if (problem.status !== 429 && problem.status !== 503) throw problem;
      await this.#wait(problem, problem.wait ?? backoff(attempt));
    }
  }

  /** Null where nobody answered. */
  async #fetch(path: string, init: RequestInit, key: string | null): Promise<Response | null> {
    const headers = new Headers(init.headers);
    if (key !== null) headers.set("Authorization", `Bearer ${key}`);
    try {
      return await fetch(path, { ...init, headers, cache: "no-store" });
    } catch {
      return null;
    }
  }

  async #wait(reason: Problem, milliseconds: number): Promise<void> {
    this.host.waiting(reason, milliseconds);
    await pause(milliseconds);
  }

  /** Asks once, however many requests were refused. */
  async #renewKey(refused: string | null, problem: Problem): Promise<void> {
    if (refused !== this.#key) return;
    this.forgetKey();
    this.#asking ??= this.host.askForKey(problem).finally(() => {
      this.#asking = null;
    });
    const key = await this.#asking;
    if (key === null) throw problem;
    this.#key = key;
    this.#unproven = true;
  }

  #acceptKey(key: string | null): void {
    if (!this.#unproven || key === null || key !== this.#key) return;
    this.#unproven = false;
    sessionStorage.setItem(STORED_KEY, key);
    this.host.keyAccepted();
  }
}

/** Without crypto.randomUUID, which browsers keep from pages of plain HTTP. */
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
