//! Presets files: what is wrong is named, with its place and what would be right.

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
        ("[variants.a]\neffects = [\"blurr\"]\n", 2, 12, &["greyscale"]),
        ("[variants.a]\nanimation = true\n", 2, 13, &["animation", "first, keep"]),
        ("[variants.a]\ncolor = \"p3\"\n", 2, 9, &["color", "srgb, keep"]),
        ("[variants.a]\nwhen = \"request\"\n", 2, 8, &["when", "request", "upload"]),
        ("[variants.a]\nwidth = 0\n", 2, 9, &["width", "= 0", "1 to 65535"]),
        ("[variants.a]\nheight = 70000\n", 2, 10, &["height", "70000", "1 to 65535"]),
        ("[variants.a]\nquality = 101\n", 2, 11, &["quality", "101", "1 to 100"]),
        ("[variants.a]\nquality = \"high\"\n", 2, 11, &["quality", "\"high\"", "1 to 100"]),
        ("[variants.a]\nformats = [\"bmp\"]\n", 2, 12, &["formats", "\"bmp\"", "webp"]),
        ("[variants.a]\nformats = [\"png\", \"png\"]\n", 2, 19, &["png", "once"]),
        ("[variants.a]\nformats = \"png\"\n", 2, 11, &["formats", "list"]),
        ("[variants.a]\nsharp = 1\n", 2, 1, &["sharp", "allowed: fit"]),
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
