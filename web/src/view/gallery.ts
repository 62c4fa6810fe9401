import type { Client } from "../api/client";
import { follow } from "../api/follow";
import { Problem } from "../api/problem";
import { type ImageRecord, isFinal, nameOf } from "../api/record";
import { Gate } from "../gate";
import { announce } from "./announce";
import { element, part } from "./element";
import { Tile } from "./tile";
import { headline, images } from "./words";

/** Streams at a time: with the uploads they leave a connection for pictures, of the six that browsers open. */
const FOLLOWED = 2;

/** All images of the page, the newest first. */
export class Gallery {
  readonly #tiles = new Map<string, Tile>();
  readonly #list = part<HTMLUListElement>("tiles");
  readonly #state = part("state");
  readonly #more = part<HTMLButtonElement>("more");
  readonly #following = new Gate(FOLLOWED);
  #cursor: string | null = null;

  constructor(
    readonly client: Client,
    /** Hears of every record that is shown. */
    readonly shown: (record: ImageRecord) => void,
  ) {
    this.#more.addEventListener("click", () => void this.#loadMore());
  }

  /** Lists what is there. Throws the Problem that is in the way. */
  async load(): Promise<void> {
    const page = await this.client.images(this.#cursor);
    this.#cursor = page.next_cursor;
    for (const record of page.images) {
      // An upload that this page has begun since is in the gallery already.
      if (record.status === "erased" || this.#tiles.has(record.image_id)) continue;
      const tile = new Tile(nameOf(record));
      this.#list.append(tile.root);
      this.adopt(tile, record);
      if (record.status === "processing") void this.followQuietly(record.image_id);
    }
    this.#more.hidden = this.#cursor === null;
    this.#describe();
  }

  /** A tile for a file that is about to become an image. */
  begin(name: string): Tile {
    const tile = new Tile(name);
    this.#list.prepend(tile.root);
    this.#describe();
    return tile;
  }

  /** Shows a record in its tile, from now on found by its id. */
  adopt(tile: Tile, record: ImageRecord): void {
    this.#tiles.set(record.image_id, tile);
    this.show(record);
  }

  show(record: ImageRecord): void {
    this.#tiles.get(record.image_id)?.show(record);
    this.shown(record);
  }

  record(id: string): ImageRecord | null {
    return this.#tiles.get(id)?.record ?? null;
  }

  focus(id: string): void {
    this.#tiles.get(id)?.focus();
  }

  /** Follows an image to its end; answers its final record, or null where it went. */
  async follow(id: string): Promise<ImageRecord | null> {
    return this.#following.run(async () => {
      await follow(this.client, id, (record) => this.show(record));
      const record = this.record(id);
      if (record !== null && isFinal(record)) return record;
      const last = await this.client.image(id);
      this.show(last);
      return last;
    });
  }

  async followQuietly(id: string): Promise<void> {
    try {
      await this.follow(id);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      announce(headline(error));
    }
  }

  /** The image before or after, among those that have a record. */
  neighbour(id: string, step: 1 | -1): string | null {
    const roots = [...this.#list.querySelectorAll<HTMLElement>("[data-id]")];
    const at = roots.findIndex((root) => root.dataset.id === id);
    return at < 0 ? null : (roots[at + step]?.dataset.id ?? null);
  }

  /** Takes a tile away; the keyboard goes on where it was. */
  remove(id: string): void {
    const next = this.neighbour(id, 1) ?? this.neighbour(id, -1);
    const tile = this.#tiles.get(id);
    this.#tiles.delete(id);
    if (tile !== undefined) this.discard(tile);
    if (next === null) part("pick").focus();
    else this.focus(next);
  }

  discard(tile: Tile): void {
    tile.root.remove();
    this.#describe();
  }

  async #loadMore(): Promise<void> {
    const before = this.#list.childElementCount;
    this.#more.disabled = true;
    try {
      await this.load();
      announce(`${images(this.#list.childElementCount - before)} more`);
      // The button may have gone: the first of the new images follows it.
      this.#list.children[before]?.querySelector<HTMLElement>("a")?.focus();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      announce(headline(error));
    } finally {
      this.#more.disabled = false;
    }
  }

  #describe(): void {
    const count = this.#list.childElementCount;
    const text = this.#cursor === null ? images(count) : `The newest ${images(count)}`;
    this.#state.replaceChildren(
      ...(count === 0 ? [element("span", { textContent: "Nothing here yet. What you add appears here." })] : [text]),
    );
    document.body.classList.toggle("empty", count === 0);
  }
}
