import type { NewUpload } from "./client";
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
export async function put(upload: NewUpload["upload"], file: File, sent: (bytes: number) => void): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    const problem = await once(upload, file, sent);
    if (problem === null || problem.code === "already_uploaded") return;
    const passes = problem.status === 0 || problem.status === 429 || problem.status === 503;
    const patient = attempt + 1 < ATTEMPTS || !navigator.onLine;
    if (!passes || !patient) throw problem;
    sent(0);
    await pause(problem.wait ?? backoff(attempt));
  }
}

function once(upload: NewUpload["upload"], file: File, sent: (bytes: number) => void): Promise<Problem | null> {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open(upload.method, reachable(upload.url));
    for (const [name, value] of Object.entries(upload.headers)) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", (event) => sent(event.loaded));
    request.addEventListener("load", () => {
      if (request.status >= 200 && request.status < 300) return resolve(null);
      // Another origin may keep the header to itself, and browsers report that they were asked.
      const known = /^retry-after:/im.test(request.getAllResponseHeaders());
      const retryAfter = known ? request.getResponseHeader("Retry-After") : null;
      resolve(Problem.read(request.responseText, request.status, retryAfter));
    });
    request.addEventListener("error", () => resolve(Problem.unreachable()));
    request.send(file);
  });
}
