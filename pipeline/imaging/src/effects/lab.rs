//! CIELAB (ISO/CIE 11664-4) with sRGB's white: lightness apart from colour, as the eye has them.

use std::sync::LazyLock;

/// sRGB's linear red, green and blue to XYZ (IEC 61966-2-1), with white at 1, 1, 1: each row is
/// divided by its part of D65.
const XYZ: [[f32; 3]; 3] = [
    [0.412_456_4 / 0.950_47, 0.357_576_1 / 0.950_47, 0.180_437_5 / 0.950_47],
    [0.212_672_9, 0.715_152_2, 0.072_175],
    [0.019_333_9 / 1.088_83, 0.119_192 / 1.088_83, 0.950_304_1 / 1.088_83],
];
/// And back.
const RGB: [[f32; 3]; 3] = [
    [3.240_454_2 * 0.950_47, -1.537_138_5, -0.498_531_4 * 1.088_83],
    [-0.969_266 * 0.950_47, 1.876_010_8, 0.041_556 * 1.088_83],
    [0.055_643_4 * 0.950_47, -0.204_025_9, 1.057_225_2 * 1.088_83],
];

/// A colour: L* of 0–100, a*, b*.
pub(crate) type Lab = [f32; 3];

/// The curve of the eye for light of 16 bits.
static EYE: LazyLock<Box<[f32]>> = LazyLock::new(|| {
    (0..=u16::MAX)
        .map(|light| {
            let share = f64::from(light) / 65_535.0;
            let limit = (6.0_f64 / 29.0).powi(3);
            let bent = if share > limit {
                libm::cbrt(share)
            } else {
                share * (841.0 / 108.0) + 4.0 / 29.0
            };
            #[expect(clippy::cast_possible_truncation, reason = "0–1 as a 32-bit float")]
            let bent = bent as f32;
            bent
        })
        .collect()
});

fn eye(light: f32) -> f32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "casts of floats are cut to the range"
    )]
    let index = (light + 0.5) as u16;
    EYE.get(usize::from(index)).copied().unwrap_or(1.0)
}

fn unbent(value: f32) -> f32 {
    if value > 6.0 / 29.0 { value * value * value } else { (value - 4.0 / 29.0) * (108.0 / 841.0) }
}

fn product(matrix: &[[f32; 3]; 3], vector: [f32; 3]) -> [f32; 3] {
    matrix.map(|row| row[0] * vector[0] + row[1] * vector[1] + row[2] * vector[2])
}

/// Of linear light of 16 bits.
pub(crate) fn lab(light: [u16; 3]) -> Lab {
    let [x, y, z] = product(&XYZ, light.map(f32::from)).map(eye);
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

/// L* alone.
pub(super) fn lightness(light: [u16; 3]) -> f32 {
    let [red, green, blue] = light.map(f32::from);
    116.0 * eye(XYZ[1][0] * red + XYZ[1][1] * green + XYZ[1][2] * blue) - 16.0
}

/// Back to linear light; what sRGB does not have is cut.
pub(super) fn of_lab([lightness, a, b]: Lab) -> [u16; 3] {
    let y = (lightness + 16.0) / 116.0;
    let xyz = [y + a / 500.0, y, y - b / 200.0].map(unbent);
    product(&RGB, xyz).map(super::encoded::sixteen)
}
