import { thumbHashToDataURL } from "thumbhash";

/** A ThumbHash in base64, as a picture; null where it is none. */
export function placeholder(thumbhash: string): string | null {
  try {
    return thumbHashToDataURL(Uint8Array.from(atob(thumbhash), (character) => character.charCodeAt(0)));
  } catch {
    return null;
  }
}
