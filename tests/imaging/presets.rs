//! Presets files: what is wrong is named, with its place and what would be right.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

use imaging::recipe::keys::KEYS;
use imaging::{Presets, PresetsError};

fn error(text: &str) -> PresetsError {
    match Presets::parse(text) {
        Ok(presets) => panic!("accepted: {presets:?}"),
        Err(error) => error,
    }
}

#[test]
fn the_built_in_presets_are_the_documented_three() {
    let names: Vec<&str> = Presets::built_in().names().collect();
    assert_eq!(names, ["large", "medium", "small"]);
}

#[test]
fn errors_name_line_key_value_and_what_is_allowed() {
    let ok = "formats = [\"webp\"]\nwidth = 10\n";
    let cases = [
        ("[variants.a]\nfit = \"inner\"\n", 2, 7, &["fit", "\"inner\"", "inside"][..]),
        ("[variants.a]\ngravity = \"up\"\n", 2, 11, &["gravity", "\"up\"", "north", "smart"]),
        ("[variants.a]\ngravity = { x = 2, y = 0 }\n", 2, 17, &["gravity", "2", "0 to 1"]),
        ("[variants.a]\ncrop = { x = 0.5, y = 0, width = 0.6, height = 1 }\n", 2, 8, &["crop"]),
        ("[variants.a]\ncrop = { x = 0.5, y = 0 }\n", 2, 8, &["crop", "width"]),
        ("[variants.a]\ntrim = 1.5\n", 2, 8, &["trim", "1.5", "0 to 1"]),
        ("[variants.a]\nrotate = \"left\"\n", 2, 10, &["rotate", "\"left\"", "degrees"]),
        ("[variants.a]\nflip = 1\n", 2, 8, &["flip", "true or false"]),
        ("[variants.a]\nbackground = \"red\"\n", 2, 14, &["background", "#rrggbb", "blurred"]),
        ("[variants.a]\neffects = \"blur\"\n", 2, 11, &["effects", "list"]),
        ("[variants.a]\neffects = [\"blurr\"]\n", 2, 12, &["\"blurr\"", "greyscale", "blur"]),
        ("[variants.a]\nanimation = true\n", 2, 13, &["animation", "first, keep"]),
        ("[variants.a]\ncolor = \"p3\"\n", 2, 9, &["color", "srgb, keep"]),
        ("[variants.a]\nwhen = \"later\"\n", 2, 8, &["when", "\"later\"", "upload, request"]),
        ("[variants.a]\nwhen = true\n", 2, 8, &["when", "upload, request"]),
        ("[variants.a]\nwidth = 0\n", 2, 9, &["width", "= 0", "1 to 65535"]),
        ("[variants.a]\nheight = 70000\n", 2, 10, &["height", "70000", "1 to 65535"]),
        ("[variants.a]\nquality = 101\n", 2, 11, &["quality", "101", "1 to 100"]),
        ("[variants.a]\nquality = \"high\"\n", 2, 11, &["quality", "\"high\"", "1 to 100"]),
        ("[variants.a]\nformats = [\"bmp\"]\n", 2, 12, &["formats", "\"bmp\"", "webp"]),
        ("[variants.a]\nformats = [\"png\", \"png\"]\n", 2, 19, &["png", "once"]),
        ("[variants.a]\nformats = \"png\"\n", 2, 11, &["formats", "list"]),
        ("[variants.a]\nsharp = 1\n", 2, 1, &["sharp", "allowed: crop", "fit"]),
        ("\n\n[variants.Big]\n", 3, 11, &["Big", "lower-case"]),
        ("[presets.a]\n", 1, 2, &["presets", "variants"]),
        ("[variants.a]\nwidth = 3\n", 1, 11, &["a", "no formats"]),
        ("[variants.a]\nformats = [\"png\"]\n", 1, 11, &["neither width nor height"]),
        ("[variants.a]\nfit = \"cover\"\nwidth = 3\nformats = [\"png\"]\n", 1, 11, &["both"]),
        (
            "[variants.a]\nwidth = 3\nlossless = true\nformats = [\"png\"]\n",
            1,
            11,
            &["lossless", "webp"],
        ),
        (
            "[variants.a]\nwidth = 3\npalette = true\nformats = [\"gif\"]\n",
            1,
            11,
            &["palette", "png"],
        ),
        ("[variants.a]\nwidth = 3\nanimation = \"keep\"\nformats = [\"png\"]\n", 1, 11, &["gif"]),
        (
            "[variants.a]\nwidth = 3\nanimation = \"keep\"\nformats = [\"webp\", \"avif\"]\n",
            3,
            13,
            &["animation = \"keep\"", "avif", "leave avif out", "variant of its own"],
        ),
        ("variants = 3\n", 1, 12, &["variants", "3", "table"]),
        ("", 1, 1, &["variants"]),
    ];
    for (text, line, column, words) in cases {
        let error = error(text);
        let shown = error.to_string();
        assert_eq!((error.line, error.column), (line, column), "{text}: {shown}");
        assert!(shown.contains(&format!("line {line}")), "{shown}");
        for word in words {
            assert!(shown.contains(word), "{shown} lacks {word}");
        }
    }
    let broken = error(&format!("[variants.a]\n{ok}quality = = 3\n"));
    assert_eq!(broken.line, 4, "{broken}");
    assert!(Presets::parse(&format!("[variants.a]\n{ok}")).is_ok());
}

#[test]
fn presets_survive_json() {
    let json = serde_json::to_string(Presets::built_in()).unwrap();
    assert_eq!(&serde_json::from_str::<Presets>(&json).unwrap(), Presets::built_in());
}

/// The table of docs/presets.md. `BLESS=1` writes it anew.
#[test]
fn keys_are_documented() {
    const BEGIN: &str = "<!-- keys: written by BLESS=1 ./dev test keys_are_documented -->\n";
    const END: &str = "<!-- end of keys -->\n";
    let mut table = String::from("\n| key | | allowed |\n| --- | --- | --- |\n");
    for key in KEYS {
        let _ = writeln!(table, "| `{}` | {} | {} |", key.name, key.doc, key.allowed);
    }
    table.push('\n');
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/presets.md");
    let text = fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (found, after) = rest.split_once(END).unwrap();
    if env::var_os("BLESS").is_some_and(|value| value == "1") {
        fs::write(&path, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
    } else {
        assert_eq!(found, table, "docs/presets.md: BLESS=1 ./dev test keys_are_documented");
    }
}

/// Every key with every kind of value, as people write them.
const EVERYTHING: &str = r##"
[variants.all]
crop = { x = 0.1, y = 0, width = 0.5, height = 1 }
trim = 0.02
flip = true
flop = true
rotate = -12.5
fit = "pad"
width = 300
height = 200
gravity = { x = 0.3, y = 0.5 }
enlarge = true
background = "#33669980"
effects = ["greyscale", { blur = { sigma = 2 } }]
formats = ["webp", "jpeg", "avif", "gif", "png"]
quality = 61
lossless = true
palette = true
color = "keep"
when = "upload"
[variants.moving]
width = 300
animation = "keep"
formats = ["webp", "jpeg", "gif", "png"]
[variants.corner]
fit = "cover"
width = 10
height = 10
gravity = "south-west"
background = "blurred"
formats = ["png"]
[variants.eye]
fit = "cover"
width = 10
height = 10
gravity = "smart"
formats = ["jpeg"]
when = "request"
"##;

#[test]
fn what_is_printed_parses_to_the_same() {
    for text in [EVERYTHING, include_str!("../../presets.toml")] {
        let presets = Presets::parse(text).unwrap();
        let printed = presets.to_toml();
        assert_eq!(Presets::parse(&printed).unwrap(), presets, "{printed}");
    }
    for key in KEYS {
        assert!(EVERYTHING.contains(&format!("\n{} = ", key.name)), "{} is not tried", key.name);
    }
}

#[test]
fn the_schema_knows_every_key_and_its_values() {
    let schema = Presets::schema();
    let properties = &schema["properties"]["variants"]["additionalProperties"]["properties"];
    for key in KEYS {
        let described = &properties[key.name];
        assert!(described.is_object(), "{}", key.name);
        assert_eq!(described["description"], key.doc, "{}", key.name);
    }
    assert_eq!(properties.as_object().unwrap().len(), KEYS.len());
    let fits = properties["fit"]["enum"].as_array().unwrap();
    assert_eq!(fits.len(), imaging::Fit::ALL.len());
    for (name, _) in imaging::Fit::ALL {
        assert!(fits.contains(&(*name).into()), "{name}");
    }
    assert!(properties["formats"]["items"]["enum"].as_array().unwrap().contains(&"avif".into()));
}
