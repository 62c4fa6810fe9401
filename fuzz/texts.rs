//! What people and machines write: presets, messages, keys.

use domain::{Key, Message, PieceId, Revision, Tenant, key::ImageId};
use imaging::{Channels, Format, Header, Orientation, Presets};

use super::{Verdict, files, fuzz};

#[test]
fn presets() {
    let mut seeds = vec![include_bytes!("../presets.toml").to_vec()];
    // Every effect and key has an example in the documentation.
    let page = include_str!("../docs/presets.md");
    for block in page.split("```toml").skip(1) {
        let block = block.split("```").next().unwrap();
        let head = "[variants.a]\nwidth = 300\nheight = 200\nformats = [\"png\", \"webp\"]\n";
        let head = if block.contains("[variants") { "" } else { head };
        seeds.push(format!("{head}{block}").into_bytes());
    }
    seeds.push(
        b"[variants.x]\ncrop = { x = 0.1, y = 0, width = 0.5, height = 1 }\ntrim = 0.1\nflip = true\n\
          flop = true\nrotate = 12.5\nfit = \"pad\"\nwidth = 9\nheight = 8\ngravity = \"north-east\"\n\
          enlarge = true\nbackground = \"#12345678\"\nformats = [\"gif\", \"avif\"]\nquality = 7\n\
          animation = \"keep\"\ncolor = \"keep\"\n"
            .to_vec(),
    );
    fuzz("presets", &seeds, |text| {
        let text = String::from_utf8_lossy(text);
        match Presets::parse(&text) {
            Ok(presets) => {
                let again = Presets::parse(&presets.to_toml());
                assert_eq!(again.as_ref(), Ok(&presets), "printed and read again");
                planned(&presets);
                Verdict::Taken
            }
            Err(error) => {
                let lines = text.split('\n').count();
                assert!((1..=lines).contains(&error.line) && error.column > 0, "{error}");
                assert!(!error.message.is_empty());
                Verdict::Refused
            }
        }
    });
}

/// Whatever is allowed can be planned for any picture.
fn planned(presets: &Presets) {
    for (width, height) in [(1, 1), (4_000, 3_000), (1, 65_535), (65_535, 1)] {
        let header = Header {
            format: Format::Png,
            width,
            height,
            orientation: Orientation::Turned90,
            frames: 3,
            channels: Channels::Rgba,
            depth: 8,
            progressive: false,
        };
        let mut files = 0;
        for plan in presets.plans(&header) {
            assert!(plan.memory(&header) > 0);
            let json = serde_json::to_vec(&plan).unwrap();
            assert_eq!(serde_json::from_slice::<imaging::Plan>(&json).unwrap(), plan);
            files += plan.pieces.iter().filter(|piece| piece.name.contains('.')).count();
        }
        let formats = presets.variants.values().map(|preset| preset.formats.len());
        assert_eq!(files, formats.sum::<usize>(), "every file is of one plan");
        let on_request = presets.plan_on_request(&header, None);
        assert_eq!(on_request.pieces.len(), presets.on_request().count());
    }
}

#[test]
fn messages() {
    let seeds: Vec<Vec<u8>> =
        files("tests/messages/v1").into_iter().map(|(_, message)| message).collect();
    fuzz("messages", &seeds, |bytes| {
        let Ok(message) = serde_json::from_slice::<Message>(bytes) else { return Verdict::Refused };
        let json = serde_json::to_vec(&message).unwrap();
        let again: Message = serde_json::from_slice(&json).unwrap();
        assert_eq!(again, message, "written and read again");
        let _ = (message.stage(), message.name(), message.image());
        Verdict::Taken
    });
}

#[test]
fn keys() {
    let id = "01907c4e-8f00-7abc-8def-0123456789ab";
    let hash = "0123456789abcdef".repeat(4);
    let seeds: Vec<Vec<u8>> = [
        format!("in/{id}"),
        format!("o/{id}/{hash}"),
        format!("m/{id}/{hash}.json"),
        format!("a/{hash}"),
        format!("v/{id}/0123456789abcdef/small.webp"),
        format!("p/{id}/0123456789abcdef/large-2.jpeg"),
        format!("{id}@{hash}"),
        "small.webp@0123456789abcdef".to_owned(),
        "tenant-1".to_owned(),
    ]
    .map(String::into_bytes)
    .to_vec();
    fuzz("keys", &seeds, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let key = Key::parse(&text);
        if let Ok(key) = &key {
            // One spelling a key, and no way out of the folder that it names.
            assert_eq!(key.path(), text);
            assert!(!text.contains("..") && !text.contains(['\\', '\0']) && !text.starts_with('/'));
        }
        let taken = key.is_ok()
            | again::<ImageId>(&text)
            | again::<PieceId>(&text)
            | again::<Revision>(&text)
            | again::<Tenant>(&text);
        Verdict::from(taken)
    });
}

/// Whether a text is read; what is written of it is read as the same.
fn again<T: std::str::FromStr + std::fmt::Display + PartialEq + std::fmt::Debug>(
    text: &str,
) -> bool {
    let Ok(value) = text.parse::<T>() else { return false };
    assert_eq!(value.to_string().parse::<T>().ok().as_ref(), Some(&value), "{text}");
    true
}
