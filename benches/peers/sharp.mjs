// Answers with what sharp takes for a piece of work: one JSON object a line on standard input, one on
// standard output. CPU milliseconds are those of the whole process, libvips' own thread included.
//
//   {"decode": FILE, times}                                  read all of it as pixels
//   {"encode": FILE, width, height, format, options, times}  raw RGB to a file of the format
//   {"pixels": FILE, "into": FILE}                           a file of pixels, to score
import { readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";

import sharp from "sharp";

sharp.concurrency(1);
sharp.cache(false);

const work = {
  decode: async ({ decode, times }) => {
    const file = readFileSync(decode);
    return timed(times, () => sharp(file).raw().toBuffer());
  },
  encode: async ({ encode, into, width, height, format, options, times }) => {
    const raw = { width, height, channels: 3 };
    const pixels = readFileSync(encode);
    // Written when the time is taken: nobody is charged for the disk.
    let made;
    const cost = await timed(times, async () => {
      made = await sharp(pixels, { raw }).toFormat(format, options).toBuffer();
      return made;
    });
    writeFileSync(into, made);
    return cost;
  },
  pixels: async ({ pixels, into }) => {
    const made = await sharp(pixels).removeAlpha().toColourspace("srgb").raw().toBuffer();
    writeFileSync(into, made);
    return {};
  },
};

async function timed(times, action) {
  const before = process.cpuUsage();
  for (let done = 0; done < times; done += 1) await action();
  const spent = process.cpuUsage(before);
  return { ms: (spent.user + spent.system) / 1000 / times };
}

console.log(JSON.stringify({ sharp: sharp.versions.sharp, vips: sharp.versions.vips }));
for await (const line of createInterface({ input: process.stdin })) {
  const task = JSON.parse(line);
  const kind = Object.keys(work).find((name) => name in task);
  try {
    console.log(JSON.stringify(await work[kind](task)));
  } catch (error) {
    console.log(JSON.stringify({ failed: String(error.message).split("\n")[0] }));
  }
}
