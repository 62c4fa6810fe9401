//! Sources brighter than white (ITU-R BT.2100): brought into sRGB's range so that what is white on
//! paper stays white, and what is brighter keeps its shape.

use std::sync::Arc;

use moxcms::{CicpProfile, ColorProfile, TransferCharacteristics};

use super::conversion::{narrow, table, times, values};
use crate::rows::Depth;

/// The brightness of white in HDR pictures, in cd/m² (ITU-R BT.2408, 2.2).
const WHITE: f64 = 203.0;
/// The brightest that is told apart, in cd/m²: that of the screens that pictures are graded on.
const PEAK: f64 = 1_000.0;

/// The curves of ITU-R BT.2100.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transfer {
    /// Perceptual quantisation: samples say cd/m².
    Pq,
    /// Hybrid log-gamma: samples say shares of what the screen can.
    Hlg,
}

/// A conversion of three sample values to linear light.
pub(crate) struct Hdr {
    transfer: Transfer,
    /// PQ: cd/m². HLG: light of the scene, 0–1.
    curve: Arc<[f32]>,
    matrix: [[f32; 3]; 3],
    /// By what the brightest channel is multiplied, for every 1/4,096 of [`PEAK`]'s square root:
    /// steps are even to the eye.
    factors: Arc<[f32]>,
}

impl Transfer {
    /// By H.273, table 3.
    pub(super) fn of_code(code: u8) -> Option<Transfer> {
        match code {
            16 => Some(Transfer::Pq),
            18 => Some(Transfer::Hlg),
            _ => None,
        }
    }

    /// By a profile's `cicp` tag (ICC.1:2022, 9.2.17).
    pub(super) fn of_profile(profile: &ColorProfile) -> Option<Transfer> {
        let CicpProfile { transfer_characteristics, .. } = profile.cicp?;
        match transfer_characteristics {
            TransferCharacteristics::Smpte2084 => Some(Transfer::Pq),
            TransferCharacteristics::Hlg => Some(Transfer::Hlg),
            _ => None,
        }
    }
}

impl Hdr {
    /// With the primaries of `profile`; `None` where these are none.
    pub(super) fn new(profile: &ColorProfile, transfer: Transfer, depth: Depth) -> Option<Hdr> {
        const STEPS: u32 = 4_096;
        let curve = match transfer {
            Transfer::Pq => table(depth, pq_to_light),
            Transfer::Hlg => table(depth, hlg_to_scene),
        };
        let factor = |step: u32| {
            let share = f64::from(step) / f64::from(STEPS);
            let light = (share * share * PEAK).max(1e-3);
            rolled_off(light) / light
        };
        #[expect(clippy::cast_possible_truncation, reason = "a table of floats for speed")]
        let factors = (0..=STEPS).map(|step| factor(step) as f32).collect();
        debug_assert_eq!(curve.len(), values(depth) as usize);
        let matrix = narrow(profile.transform_matrix(&ColorProfile::new_srgb()).v);
        let sums = matrix.map(|row| row.iter().sum::<f32>());
        // White is white in any primaries.
        let possible = sums.iter().all(|sum| (0.5..=2.0).contains(sum));
        possible.then_some(Hdr { transfer, curve, matrix, factors })
    }

    /// Linear light with sRGB's primaries, 1 for white, of three sample values.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a place in a table, cut to its length"
    )]
    pub(super) fn light(&self, samples: [usize; 3]) -> [f32; 3] {
        let light = samples.map(|value| self.curve[value]);
        let light = match self.transfer {
            Transfer::Pq => light,
            Transfer::Hlg => shown(light),
        };
        // The brightest channel decides for all three, so that hues stay.
        let most = light.into_iter().fold(0.0, f32::max);
        let place = libm::sqrtf(most / PEAK as f32) * (self.factors.len() - 1) as f32;
        let factor = self.factors[(place as usize).min(self.factors.len() - 1)];
        times(&self.matrix, light.map(|channel| channel * factor))
    }
}

/// SMPTE ST 2084: cd/m² of a value.
fn pq_to_light(value: f64) -> f64 {
    const M1: f64 = 2_610.0 / 16_384.0;
    const M2: f64 = 2_523.0 / 32.0;
    const C1: f64 = 3_424.0 / 4_096.0;
    const C2: f64 = 2_413.0 / 128.0;
    const C3: f64 = 2_392.0 / 128.0;
    let root = libm::pow(value, 1.0 / M2);
    10_000.0 * libm::pow((root - C1).max(0.0) / (C2 - C3 * root), 1.0 / M1)
}

/// The value of cd/m².
fn light_to_pq(light: f64) -> f64 {
    const M1: f64 = 2_610.0 / 16_384.0;
    const M2: f64 = 2_523.0 / 32.0;
    const C1: f64 = 3_424.0 / 4_096.0;
    const C2: f64 = 2_413.0 / 128.0;
    const C3: f64 = 2_392.0 / 128.0;
    let root = libm::pow(light.max(0.0) / 10_000.0, M1);
    libm::pow((C1 + C2 * root) / (1.0 + C3 * root), M2)
}

/// BT.2100, table 5: the inverse of hybrid log-gamma's OETF, 0–1.
fn hlg_to_scene(value: f64) -> f64 {
    const A: f64 = 0.178_832_77;
    const B: f64 = 0.284_668_92;
    const C: f64 = 0.559_910_73;
    if value <= 0.5 { value * value / 3.0 } else { (libm::exp((value - C) / A) + B) / 12.0 }
}

/// BT.2100, table 5: what a screen of [`PEAK`] shows of a scene, in cd/m², with its gamma of 1.2.
#[expect(clippy::cast_possible_truncation, reason = "floats of 32 bits are enough for a pixel")]
fn shown(scene: [f32; 3]) -> [f32; 3] {
    let [red, green, blue] = scene;
    let luminance = 0.2627 * red + 0.6780 * green + 0.0593 * blue;
    let gain = libm::powf(luminance.max(1e-6), 0.2) * PEAK as f32;
    scene.map(|channel| channel * gain)
}

/// ITU-R BT.2390, 5.4.1: light of up to [`PEAK`] brought below [`WHITE`], 1 for white. Below the
/// knee nothing changes.
fn rolled_off(light: f64) -> f64 {
    let peak = light_to_pq(PEAK);
    let most = light_to_pq(WHITE) / peak;
    let knee = 1.5 * most - 0.5;
    let value = (light_to_pq(light) / peak).min(1.0);
    let value = if value < knee {
        value
    } else {
        let t = (value - knee) / (1.0 - knee);
        let (t2, t3) = (t * t, t * t * t);
        (2.0 * t3 - 3.0 * t2 + 1.0) * knee
            + (t3 - 2.0 * t2 + t) * (1.0 - knee)
            + (3.0 * t2 - 2.0 * t3) * most
    };
    pq_to_light(value * peak) / WHITE
}
