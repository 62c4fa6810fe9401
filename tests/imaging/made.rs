//! What becomes of a file: the one place where tests open one and run a plan over it.

use imaging::{
    Assets, Fault, Header, Limits, Made, Piece, Plan, Presets, Progress, Unlimited, open,
};

/// A piece, and what came of it.
pub(crate) type Outcome = (Piece, Result<Made, Fault>);

/// What comes of each piece of a plan, in order, and what is noted. A file that cannot be read fails
/// the test.
pub(crate) fn outcomes(plan: &Plan, file: &[u8], header: &Header) -> (Vec<Outcome>, Progress) {
    let mut rows = open(file, header, &Limits::default()).unwrap();
    let mut outcomes = Vec::new();
    let progress = plan
        .run(&mut *rows, Assets::NONE, &Unlimited, &mut |piece, made| {
            outcomes.push((piece.clone(), made));
        })
        .unwrap();
    (outcomes, progress)
}

/// The variants that presets make of a file, and what is noted. Faults fail the test.
pub(crate) fn variants(
    presets: &str,
    file: &[u8],
    header: &Header,
) -> (Vec<(Piece, Vec<u8>)>, Progress) {
    let mut plan = Presets::parse(presets).unwrap().plan(header);
    plan.pieces.retain(|piece| piece.format().is_some());
    let (made, progress) = outcomes(&plan, file, header);
    let bytes = |(piece, made): Outcome| match made.unwrap() {
        Made::Variant { bytes, .. } => (piece, bytes),
        Made::Derived { .. } => panic!("left out above"),
    };
    (made.into_iter().map(bytes).collect(), progress)
}
