import type { Client, Put, SentPart, UploadPart } from "./client";
import { backoff, pause } from "./pause";
import { Problem } from "./problem";
import { reachable } from "./reachable";

/** How often a broken connection is tried again before its owner is asked. */
const ATTEMPTS = 4;

/**
 * Sends the bytes of an upload. XMLHttpRequest, because fetch does not tell how much was sent.
 * The URL creates and never overwrites, so sending again is safe: if the bytes had come after all,
 * the server says so, and that is success.
 */
export async function put(upload: Put, file: File, sent: (bytes: number) => void): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    const answer = await once(upload, file, sent);
    if (!(answer instanceof Problem) || answer.code === "already_uploaded") return;
    if (!passes(answer, attempt)) throw answer;
    sent(0);
    await pause(answer.wait ?? backoff(attempt));
  }
}

/** Sends a long upload part by part: what breaks off costs one part, and its URL may have ended meanwhile. */
export async function putParts(
  client: Client,
  id: string,
  parts: UploadPart[],
  file: File,
  sent: (bytes: number) => void,
): Promise<void> {
  const done: SentPart[] = [];
  let urls = parts;
  for (const [index, part] of parts.entries()) {
    const bytes = file.slice(part.offset, part.offset + part.length);
    for (let attempt = 0; ; attempt += 1) {
      const answer = await once(urls[index] ?? part, bytes, (count) => sent(part.offset + count));
      if (!(answer instanceof Problem)) {
        const etag = answer.getResponseHeader("ETag");
        if (etag === null) throw Problem.hidden();
        done.push({ number: part.number, etag });
        break;
      }
      if (!passes(answer, attempt) && !(answer.status === 403 && attempt + 1 < ATTEMPTS)) throw answer;
      sent(part.offset);
      await pause(answer.wait ?? backoff(attempt));
      urls = await client.signParts(id);
    }
  }
  await client.completeUpload(id, done);
}

/** Whether the same request may succeed later. */
function passes(problem: Problem, attempt: number): boolean {
  const transient = problem.status === 0 || problem.status === 429 || problem.status === 503;
  return transient && (attempt + 1 < ATTEMPTS || !navigator.onLine);
}

/** The answer, or why it is none. */
function once(to: Put, bytes: Blob, sent: (bytes: number) => void): Promise<XMLHttpRequest | Problem> {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open("PUT", reachable(to.url));
    for (const [name, value] of Object.entries(to.headers)) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", (event) => sent(event.loaded));
    request.addEventListener("load", () => {
      if (request.status >= 200 && request.status < 300) return resolve(request);
      // Another origin may keep the header to itself, and browsers report that they were asked.
      const known = /^retry-after:/im.test(request.getAllResponseHeaders());
      const retryAfter = known ? request.getResponseHeader("Retry-After") : null;
      resolve(Problem.read(request.responseText, request.status, retryAfter));
    });
    request.addEventListener("error", () => resolve(Problem.unreachable()));
    request.send(bytes);
  });
}
