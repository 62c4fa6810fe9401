//! The keys of a variant: what each allows, and what it means when left out. Errors, the JSON Schema
//! and the documentation are made of this table.

/// One key.
pub struct Key {
    /// As it is written.
    pub name: &'static str,
    /// What may stand behind it, for people.
    pub allowed: &'static str,
    /// What it does, and what holds without it.
    pub doc: &'static str,
    /// The same for editors: a JSON Schema. Of formats and effects it is made elsewhere.
    pub(super) schema: &'static str,
}

/// All keys, in the order in which a file is best read.
pub const KEYS: &[Key] = &[
    Key {
        name: "crop",
        allowed: "{ x, y, width, height } in shares of the picture, 0 to 1",
        doc: "Only this part of the upright picture is used.",
        schema: r#"{"type":"object","required":["x","y","width","height"],"additionalProperties":false,"properties":{"x":{"type":"number","minimum":0,"maximum":1},"y":{"type":"number","minimum":0,"maximum":1},"width":{"type":"number","exclusiveMinimum":0,"maximum":1},"height":{"type":"number","exclusiveMinimum":0,"maximum":1}}}"#,
    },
    Key {
        name: "trim",
        allowed: "a number, 0 to 1",
        doc: "An even border is cut off: what differs from the top left pixel by no more than this \
              share of the largest difference.",
        schema: r#"{"type":"number","minimum":0,"maximum":1}"#,
    },
    Key {
        name: "flip",
        allowed: "true or false",
        doc: "Top and bottom are exchanged. Without it they are not.",
        schema: r#"{"type":"boolean","default":false}"#,
    },
    Key {
        name: "flop",
        allowed: "true or false",
        doc: "Left and right are exchanged. Without it they are not.",
        schema: r#"{"type":"boolean","default":false}"#,
    },
    Key {
        name: "rotate",
        allowed: "degrees, -360 to 360",
        doc: "Turned clockwise, and the canvas grown to hold all of it. Quarters are exact.",
        schema: r#"{"type":"number","minimum":-360,"maximum":360}"#,
    },
    Key {
        name: "fit",
        allowed: "inside, contain, fill, cover, pad",
        doc: "How the picture is brought into the box: inside (and contain, the same in CSS's word) \
              as large as fits; fill exactly, aspect given up; cover exactly, cut; pad as inside, and \
              the rest of the box filled with the background. inside when left out.",
        schema: r#"{"enum":["inside","contain","fill","cover","pad"],"default":"inside"}"#,
    },
    Key {
        name: "width",
        allowed: "a whole number, 1 to 65535",
        doc: "Columns of the box. With inside and contain one side is enough.",
        schema: r#"{"type":"integer","minimum":1,"maximum":65535}"#,
    },
    Key {
        name: "height",
        allowed: "a whole number, 1 to 65535",
        doc: "Rows of the box.",
        schema: r#"{"type":"integer","minimum":1,"maximum":65535}"#,
    },
    Key {
        name: "gravity",
        allowed: "centre, north, north-east, east, south-east, south, south-west, west, \
                  north-west, smart, { x, y } in shares of the picture, 0 to 1",
        doc: "Which part cover keeps, and where pad puts the picture: a point of the compass, a \
              point, or smart for what draws the eye. centre when left out. The focal point that an \
              upload was given goes before centre and smart.",
        schema: r#"{"anyOf":[{"enum":["centre","north","north-east","east","south-east","south","south-west","west","north-west","smart"]},{"type":"object","required":["x","y"],"additionalProperties":false,"properties":{"x":{"type":"number","minimum":0,"maximum":1},"y":{"type":"number","minimum":0,"maximum":1}}}],"default":"centre"}"#,
    },
    Key {
        name: "enlarge",
        allowed: "true or false",
        doc: "A picture smaller than the box becomes larger. Without it none does.",
        schema: r#"{"type":"boolean","default":false}"#,
    },
    Key {
        name: "background",
        allowed: "\"#rrggbb\", \"#rrggbbaa\" or \"blurred\"",
        doc: "What pad and rotate show beside the picture; blurred, for pad, is the picture itself. \
              Nothing when left out, which a JPEG shows as white.",
        schema: r#"{"anyOf":[{"type":"string","pattern":"^#([0-9a-fA-F]{6}|[0-9a-fA-F]{8})$"},{"const":"blurred"}]}"#,
    },
    Key {
        name: "effects",
        allowed: "a list of effects",
        doc: "What changes how it looks, in this order, after it has its size.",
        schema: "",
    },
    Key {
        name: "formats",
        allowed: "a list of formats, each once",
        doc: "The files to write.",
        schema: "",
    },
    Key {
        name: "quality",
        allowed: "a whole number, 1 to 100",
        doc: "On libjpeg's scale; WebP and AVIF are written to look as good on average, as photographs of 400 to 800 pixels do; single ones differ by several points of SSIMULACRA2. 80 when left out.",
        schema: r#"{"type":"integer","minimum":1,"maximum":100,"default":80}"#,
    },
    Key {
        name: "lossless",
        allowed: "true or false",
        doc: "WebP without loss. Without it WebP loses what is hardly seen.",
        schema: r#"{"type":"boolean","default":false}"#,
    },
    Key {
        name: "palette",
        allowed: "true or false",
        doc: "PNG in 256 colours where that looks the same. Without it only where it is the same.",
        schema: r#"{"type":"boolean","default":false}"#,
    },
    Key {
        name: "animation",
        allowed: "first, keep",
        doc: "Whether GIF and WebP show all pictures of an animation, or as the other formats the \
              first, which is what holds when left out. keep is not possible with avif among the \
              formats: it would stand still, and is what browsers prefer.",
        schema: r#"{"enum":["first","keep"],"default":"first"}"#,
    },
    Key {
        name: "color",
        allowed: "srgb, keep",
        doc: "Whether colours are converted to sRGB, as when left out, or kept with their profile \
              in the formats that take it: JPEG, PNG, and WebP of colours. What is brighter than \
              white (PQ, HLG) and CMYK are converted in any case.",
        schema: r#"{"enum":["srgb","keep"],"default":"srgb"}"#,
    },
    Key {
        name: "when",
        allowed: "upload, request",
        doc: "Whether it is made for every upload, as when left out, or when it is first asked for \
              by /i/{id}/{variant}, and then kept.",
        schema: r#"{"enum":["upload","request"],"default":"upload"}"#,
    },
];

/// What a key allows.
pub(super) fn allowed(name: &str) -> &'static str {
    KEYS.iter().find(|key| key.name == name).map_or("", |key| key.allowed)
}

/// All names, for an error.
pub(super) fn names() -> String {
    KEYS.iter().map(|key| key.name).collect::<Vec<_>>().join(", ")
}
