import { reachable } from "../api/reachable";
import { type ImageRecord, isMade, type Made, nameOf, type Variant } from "../api/record";
import { copyButton } from "./copy";
import { element } from "./element";
import { placeholder } from "./placeholder";
import { bytes, format, headline, pixels, sentence } from "./words";

/** Pixels that the stage keeps free at either side. */
const MARGIN = 16;

/** The variants of an image: one of them on a stage at its true pixels, and a list to choose by. */
export class Variants {
  readonly stage = element("div", { className: "stage", role: "region", tabIndex: 0, aria: { label: "Picture at its true pixels" } });
  readonly list = element("div", { className: "variants" });
  /** Which one a person has chosen. */
  #chosen: string | null = null;

  show(record: ImageRecord): void {
    const made = record.variants.filter(isMade);
    const shown = made.find((variant) => key(variant) === this.#chosen) ?? this.#fitting(made);
    this.#showOnStage(record, shown);
    const items = record.variants.map((variant) =>
      isMade(variant) ? this.#item(record, variant, variant === shown) : notMade(variant),
    );
    const had = this.list.querySelector(":focus")?.closest<HTMLElement>("[data-key]")?.dataset.key;
    this.list.replaceChildren(
      element("h3", { textContent: "Variants" }),
      items.length === 0
        ? element("p", { className: "muted", textContent: "None." })
        : element("ul", {}, ...items),
    );
    if (had !== undefined) this.list.querySelector<HTMLElement>(`[data-key="${had}"] button`)?.focus();
  }

  forget(): void {
    this.#chosen = null;
    this.stage.replaceChildren();
  }

  /** The largest that the stage shows at once; where none fits, the smallest. */
  #fitting(made: Made[]): Made | undefined {
    const room = this.stage.clientWidth - 2 * MARGIN;
    const bySize = [...made].sort((a, b) => a.width * a.height - b.width * b.height);
    return bySize.findLast((variant) => variant.width / devicePixelRatio <= room) ?? bySize[0];
  }

  #item(record: ImageRecord, variant: Made, shown: boolean): HTMLLIElement {
    const title = `${variant.name}, ${format(variant.format)}`;
    const choose = element(
      "button", { type: "button", className: "choose", aria: { pressed: String(shown) } },
      element("span", { className: "name" }, variant.name, " ", element("span", { className: "format", textContent: format(variant.format) })),
      element("span", { className: "muted", textContent: `${pixels(variant.width, variant.height)} · ${bytes(variant.bytes)}` }),
    );
    choose.addEventListener("click", () => {
      this.#chosen = key(variant);
      this.show(record);
    });
    return element("li", { data: { key: key(variant) } }, choose, copyButton(`URL of ${title}`, variant.url));
  }

  #showOnStage(record: ImageRecord, variant: Made | undefined): void {
    if (variant === undefined) {
      this.stage.replaceChildren(element("p", { className: "muted", textContent: "There is no picture to show." }));
      return;
    }
    const src = reachable(variant.url);
    if (this.stage.querySelector("img")?.src === src) return;
    const blur = record.placeholder && placeholder(record.placeholder.thumbhash);
    const picture = element("img", {
      alt: `${nameOf(record)}, ${variant.name}`, width: variant.width, height: variant.height,
      data: { variant: variant.name, format: variant.format },
    });
    // One pixel of the variant on one of the screen, whatever the screen calls a pixel.
    picture.style.width = `${variant.width / devicePixelRatio}px`;
    picture.style.height = "auto";
    if (blur) picture.style.backgroundImage = `url("${blur}")`;
    picture.addEventListener("load", () => (picture.style.backgroundImage = ""), { once: true });
    picture.src = src;
    this.stage.replaceChildren(picture);
  }
}

function notMade(variant: Variant): HTMLLIElement {
  const { failed, dropped } = variant;
  const why = failed ? `${headline(failed)}. ${sentence(failed.detail)}` : `Not kept: ${dropped ?? "no reason given"}.`;
  return element(
    "li", { className: failed ? "failed" : "dropped" },
    element("span", { className: "name" }, variant.name, " ", element("span", { className: "format", textContent: format(variant.format) })),
    element("span", { className: "muted", textContent: why }),
  );
}

function key(variant: Variant): string {
  return `${variant.name}.${variant.format}`;
}
