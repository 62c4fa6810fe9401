//! One scale of quality for every format: libjpeg's, on which presets give it.

/// What an encoder is told, by what presets say: both rise, the first from 1 to 100, and what lies
/// between two is interpolated.
pub(super) type Scale = [(u8, f32)];

/// What the encoder is told where presets say `quality`.
pub(super) fn own(scale: &Scale, quality: u8) -> f32 {
    let quality = quality.clamp(1, 100);
    let around = scale.windows(2).find(|two| quality <= two[1].0);
    match around {
        Some(&[(low, from), (high, to)]) => {
            let share = f32::from(quality - low) / f32::from(high - low);
            from + share * (to - from)
        }
        _ => f32::from(quality),
    }
}
