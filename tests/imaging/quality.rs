//! `quality` is one scale: at the same number, every format looks as good.

use std::path::PathBuf;

use imaging::Format;

use super::looks::Subject;
use crate::report;

/// How far the mean score of a format may be from JPEG's. The encoders' tables hold the mean of other
/// sizes, too; single photographs are up to seven points off, either way.
const APART: f64 = 3.0;

#[test]
fn at_one_quality_all_formats_look_as_good() {
    let Some(corpus) = report::corpus("one quality in all formats") else { return };
    let mut files: Vec<PathBuf> =
        corpus.join("bench").read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "png"));
    assert!(files.len() > 5, "{} photographs of the Kodak suite", files.len());
    let subjects: Vec<Subject> =
        files.iter().map(|file| Subject::new(&std::fs::read(file).unwrap(), 400)).collect();
    for quality in [50, 80] {
        let [jpeg, webp, avif] = [Format::Jpeg, Format::WebP, Format::Avif].map(|format| {
            let scores = subjects.iter().map(|subject| subject.look(format, quality).0);
            scores.sum::<f64>() / subjects.len() as f64
        });
        let said = format!("{quality}: JPEG {jpeg:.1}, WebP {webp:.1}, AVIF {avif:.1}");
        report::say("quality", &said);
        assert!((webp - jpeg).abs() <= APART && (avif - jpeg).abs() <= APART, "{said}");
    }
}

/// What is asked for more is never less: the tables rise, and so do the encoders.
#[test]
fn more_quality_is_more_in_every_format() {
    let picture = super::draw::png(&super::draw::photograph(96, 64));
    let subject = Subject::new(&picture, 96);
    for format in [Format::Jpeg, Format::WebP, Format::Avif] {
        let looks: Vec<(f64, usize)> =
            [1, 25, 50, 75, 100].iter().map(|quality| subject.look(format, *quality)).collect();
        assert!(looks.is_sorted_by(|(a, _), (b, _)| a < b), "{format:?}: {looks:?}");
        assert!(looks.is_sorted_by(|(_, a), (_, b)| a < b), "{format:?}: {looks:?}");
    }
}
