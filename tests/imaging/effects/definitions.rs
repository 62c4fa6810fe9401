//! Each effect against its definition.

use super::reference::{Plane, colour, lab_of, of_lab};
use super::{compared, hold, pictures};
use crate::difference::linear;

fn between(full: [[f64; 3]; 3], amount: f64) -> [[f64; 3]; 3] {
    let mut matrix = full;
    for (row, values) in matrix.iter_mut().enumerate() {
        for (column, value) in values.iter_mut().enumerate() {
            let same = f64::from(u8::from(row == column));
            *value = *value * amount + same * (1.0 - amount);
        }
    }
    matrix
}

const BROWN: [[f64; 3]; 3] = [[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]];

#[test]
fn greyscale_is_that_of_css() {
    let grey = [[0.2126, 0.7152, 0.0722]; 3];
    hold("\"greyscale\"", 0.6, |p| p.mixed(grey));
    hold("{ greyscale = { amount = 0.4 } }", 0.9, |p| p.mixed(between(grey, 0.4)));
}

#[test]
fn sepia_is_that_of_css() {
    hold("\"sepia\"", 1.2, |p| p.mixed(BROWN));
    hold("{ sepia = { amount = 0.5 } }", 1.2, |p| p.mixed(between(BROWN, 0.5)));
}

#[test]
fn saturation_is_that_of_css() {
    for amount in [0.0, 0.5, 1.0, 2.5] {
        let text = format!("{{ saturation = {{ amount = {amount} }} }}");
        // The matrix as SVG writes it, value by value.
        let s = amount;
        let matrix = [
            [0.213 + 0.787 * s, 0.715 - 0.715 * s, 0.072 - 0.072 * s],
            [0.213 - 0.213 * s, 0.715 + 0.285 * s, 0.072 - 0.072 * s],
            [0.213 - 0.213 * s, 0.715 - 0.715 * s, 0.072 + 0.928 * s],
        ];
        hold(&text, 1.0, |p| p.mixed(matrix));
    }
}

fn turned(degrees: f64) -> [[f64; 3]; 3] {
    let (sin, cos) = degrees.to_radians().sin_cos();
    [
        [
            0.213 + cos * 0.787 - sin * 0.213,
            0.715 - cos * 0.715 - sin * 0.715,
            0.072 - cos * 0.072 + sin * 0.928,
        ],
        [
            0.213 - cos * 0.213 + sin * 0.143,
            0.715 + cos * 0.285 + sin * 0.140,
            0.072 - cos * 0.072 - sin * 0.283,
        ],
        [
            0.213 - cos * 0.213 - sin * 0.787,
            0.715 - cos * 0.715 + sin * 0.715,
            0.072 + cos * 0.928 + sin * 0.072,
        ],
    ]
}

#[test]
fn hue_is_that_of_css() {
    for degrees in [-30.0, 90.0, 180.0, 360.0] {
        hold(&format!("{{ hue = {{ degrees = {degrees} }} }}"), 1.0, |p| p.mixed(turned(degrees)));
    }
}

#[test]
fn a_colour_matrix_mixes_as_it_says() {
    let text = "{ color_matrix = { values = \
                [0.5, 0.25, 0, 0.1, -0.2, 1, 0.3, 0, 0, 0.1, 1.4, -0.15] } }";
    hold(text, 1.0, |p| {
        p.colours(|[r, g, b]| {
            [0.5 * r + 0.25 * g + 0.1, -0.2 * r + g + 0.3 * b, 0.1 * g + 1.4 * b - 0.15]
        })
    });
}

#[test]
fn curves_are_those_of_css_and_svg() {
    hold("{ brightness = { amount = 1.3 } }", 1.0, |p| p.colours(|c| c.map(|v| v * 1.3)));
    hold("{ brightness = { amount = 0.4 } }", 1.0, |p| p.colours(|c| c.map(|v| v * 0.4)));
    hold("{ contrast = { amount = 1.8 } }", 1.0, |p| {
        p.colours(|c| c.map(|v| (v - 0.5) * 1.8 + 0.5))
    });
    hold("{ contrast = { amount = 0.0 } }", 1.0, |p| p.colours(|_| [0.5; 3]));
    hold("{ gamma = { gamma = 2.2 } }", 1.0, |p| p.colours(|c| c.map(|v| v.powf(1.0 / 2.2))));
    hold("{ gamma = { gamma = 0.5 } }", 1.0, |p| p.colours(|c| c.map(|v| v * v)));
    hold("\"invert\"", 0.6, |p| p.colours(|c| c.map(|v| 1.0 - v)));
    hold("{ invert = { amount = 0.3 } }", 1.0, |p| p.colours(|c| c.map(|v| 0.3 + v * 0.4)));
}

#[test]
fn tint_keeps_lightness_and_gives_one_hue() {
    let [_, a, b] = lab_of([0.2, 0.4, 0.8]);
    hold("{ tint = { color = \"#3366cc\" } }", 0.9, |p| {
        p.colours(|seen| of_lab([lab_of(seen)[0], a, b]))
    });
    hold("{ tint = { color = \"#3366cc\", amount = 0.25 } }", 1.0, |p| {
        p.colours(|seen| {
            let [lightness, from_a, from_b] = lab_of(seen);
            of_lab([lightness, from_a * 0.75 + a * 0.25, from_b * 0.75 + b * 0.25])
        })
    });
}

#[test]
fn duotone_runs_from_one_colour_to_the_other() {
    let (dark, light) = (colour("#1b1464"), colour("#ffe8a3"));
    hold("{ duotone = { dark = \"#1b1464\", light = \"#ffe8a3\" } }", 0.9, |p| {
        p.colours(|[r, g, b]| {
            let t = 0.2126 * r + 0.7152 * g + 0.0722 * b;
            [0, 1, 2].map(|c| dark[c] * (1.0 - t) + light[c] * t)
        })
    });
}

#[test]
fn blur_is_a_gaussian_in_linear_light() {
    // From 20 on it is boxes, whose weights are not quite a Gaussian's.
    for (sigma, most) in [(0.3, 1.5), (0.8, 1.5), (2.0, 1.5), (7.9, 1.5), (20.0, 3.0), (25.0, 3.0)]
    {
        hold(&format!("{{ blur = {{ sigma = {sigma} }} }}"), most, |p| p.blurred(sigma));
    }
}

#[test]
fn sharpen_adds_what_is_fine_to_lightness() {
    let text = "{ sharpen = { sigma = 1.1, flat = 0.8, jagged = 2.5 } }";
    hold(text, 1.5, |p| {
        let differences = p.differences(1.1, |seen| lab_of(seen)[0]);
        p.mapped(|x, y, [r, g, b, alpha]| {
            let d = differences[y * p.width + x];
            // libvips' words: x1 is 2, y2 10, y3 20, m1 flat and m2 jagged.
            let curve = if d < -2.0 {
                (d + 2.0) * 2.5 - 2.0 * 0.8
            } else if d < 2.0 {
                d * 0.8
            } else {
                (d - 2.0) * 2.5 + 2.0 * 0.8
            };
            let [lightness, a, star] = lab_of([r, g, b]);
            let [r, g, b] = of_lab([lightness + curve.clamp(-20.0, 10.0), a, star]);
            [r, g, b, alpha]
        })
    });
}

#[test]
fn unsharp_adds_what_is_fine_above_a_threshold() {
    let luma = |[r, g, b]: [f64; 3]| 0.2126 * r + 0.7152 * g + 0.0722 * b;
    for (amount, threshold) in [(1.5, 0.0), (1.0, 0.02)] {
        let text = format!(
            "{{ unsharp = {{ sigma = 1.7, amount = {amount}, threshold = {threshold} }} }}"
        );
        // A difference exactly at the threshold goes either way in floats of another width.
        let most = if threshold > 0.0 { 4.0 } else { 1.0 };
        hold(&text, most, |p| {
            let differences = p.differences(1.7, luma);
            p.mapped(|x, y, [r, g, b, alpha]| {
                let d = differences[y * p.width + x];
                let d = if d.abs() < threshold { 0.0 } else { d * amount };
                [r + d, g + d, b + d, alpha]
            })
        });
    }
}

#[test]
fn pixelate_averages_light_in_squares() {
    hold("{ pixelate = { size = 7 } }", 0.9, |p| {
        p.mapped(|x, y, _| {
            let span = |at: usize, side: usize| at / 7 * 7..(at / 7 * 7 + 7).min(side);
            Plane::seen(p.averaged(span(x, p.width), span(y, p.height)))
        })
    });
}

#[test]
fn a_vignette_takes_light_from_the_corners() {
    hold("{ vignette = { strength = 0.8, radius = 0.4 } }", 0.9, |p| {
        p.mapped(|x, y, [r, g, b, alpha]| {
            let (cx, cy) = (p.width as f64 / 2.0, p.height as f64 / 2.0);
            let (dx, dy) = ((x as f64 + 0.5 - cx) / cx, (y as f64 + 0.5 - cy) / cy);
            let s = ((dx.hypot(dy) / 2.0_f64.sqrt() - 0.4) / 0.6).clamp(0.0, 1.0);
            let left = 1.0 - 0.8 * (3.0 * s * s - 2.0 * s * s * s);
            let [r, g, b] = [r, g, b].map(|v| super::reference::encoded(linear(v) * left));
            [r, g, b, alpha]
        })
    });
}

#[test]
fn a_border_lies_around_the_picture() {
    for text in ["#336699", "#808080", "#ff000080"] {
        hold(&format!("{{ border = {{ width = 5, color = \"{text}\" }} }}"), 0.6, |p| {
            let mut out = Plane {
                width: p.width + 10,
                height: p.height + 10,
                pixels: vec![colour(text); (p.width + 10) * (p.height + 10)],
            };
            for y in 0..p.height {
                for x in 0..p.width {
                    out.pixels[(y + 5) * out.width + x + 5] = p.at(x, y);
                }
            }
            out
        });
    }
}

#[test]
fn round_corners_keep_what_lies_in_the_circle() {
    for radius in [0.0, 0.13, 0.5] {
        for (name, picture) in pictures() {
            let text = format!("{{ round_corners = {{ radius = {radius} }} }}");
            let found = compared(&text, &picture, |p| rounded(p, radius));
            // A pixel's share is counted in 256ths here and in 576ths there.
            assert!(found.mean <= 0.1 && found.alpha <= 6.0, "{text} on {name}: {found:?}");
        }
    }
}

/// Each pixel's share of a rectangle with circular corners, asked at 24 × 24 points of it.
fn rounded(p: &Plane, radius: f64) -> Plane {
    let (width, height) = (p.width as f64, p.height as f64);
    let radius = radius * width.min(height);
    p.mapped(|x, y, [r, g, b, alpha]| {
        let beside = |at: usize, side: f64| {
            let at = at as f64;
            at < radius || at + 1.0 > side - radius
        };
        if !beside(x, width) || !beside(y, height) {
            return [r, g, b, alpha];
        }
        let mut inside = 0;
        for step in 0..576 {
            let px = x as f64 + (f64::from(step % 24) + 0.5) / 24.0;
            let py = y as f64 + (f64::from(step / 24) + 0.5) / 24.0;
            let dx = px - px.clamp(radius, (width - radius).max(radius));
            let dy = py - py.clamp(radius, (height - radius).max(radius));
            inside += u32::from(dx.hypot(dy) <= radius || (dx == 0.0 && dy == 0.0));
        }
        [r, g, b, alpha * f64::from(inside) / 576.0]
    })
}

/// A rectangle in pixels: 0.2, 0.25, 0.5 and 0.4 of the sides, grown outwards.
fn hidden(p: &Plane) -> (std::ops::Range<usize>, std::ops::Range<usize>) {
    let span = |from: f64, to: f64, side: usize| {
        let side = side as f64;
        ((from * side + 1e-9).floor() as usize)..((to * side - 1e-9).ceil() as usize)
    };
    (span(0.2, 0.7, p.width), span(0.25, 0.65, p.height))
}

const HIDDEN: &str = "x = 0.2, y = 0.25, width = 0.5, height = 0.4";

#[test]
fn redaction_leaves_one_colour_or_a_few() {
    hold(&format!("{{ redact = {{ {HIDDEN}, color = \"#102030\" }} }}"), 0.6, |p| {
        let (columns, rows) = hidden(p);
        p.mapped(
            |x, y, seen| {
                if columns.contains(&x) && rows.contains(&y) { colour("#102030") } else { seen }
            },
        )
    });
    let cell = |p: &Plane| {
        let (columns, rows) = hidden(p);
        columns.len().max(rows.len()).div_ceil(4)
    };
    let average = |p: &Plane, x: usize, y: usize| {
        let (columns, rows) = hidden(p);
        let span = |n: usize, whole: &std::ops::Range<usize>| {
            let start = whole.start + n * cell(p);
            start..(start + cell(p)).min(whole.end)
        };
        p.averaged(span(x, &columns), span(y, &rows))
    };
    hold(&format!("{{ redact = {{ {HIDDEN}, style = \"pixelate\" }} }}"), 0.9, |p| {
        let (columns, rows) = hidden(p);
        p.mapped(|x, y, seen| {
            if !columns.contains(&x) || !rows.contains(&y) {
                return seen;
            }
            Plane::seen(average(p, (x - columns.start) / cell(p), (y - rows.start) / cell(p)))
        })
    });
    hold(&format!("{{ redact = {{ {HIDDEN}, style = \"blur\" }} }}"), 0.9, |p| {
        let (columns, rows) = hidden(p);
        let size = cell(p);
        let (across, down) = (columns.len().div_ceil(size), rows.len().div_ceil(size));
        let cells: Vec<[f64; 4]> =
            (0..across * down).map(|n| average(p, n % across, n / across)).collect();
        p.mapped(|x, y, seen| {
            if !columns.contains(&x) || !rows.contains(&y) {
                return seen;
            }
            let place = |at: usize, count: usize| {
                let place = (at as f64 + 0.5) / size as f64 - 0.5;
                place.clamp(0.0, count as f64 - 1.0)
            };
            let (u, v) = (place(x - columns.start, across), place(y - rows.start, down));
            let mut sum = [0.0; 4];
            for (n, value) in cells.iter().enumerate() {
                let near = |at: f64, cell: usize| (1.0 - (at - cell as f64).abs()).max(0.0);
                let weight = near(u, n % across) * near(v, n / across);
                for (sum, value) in sum.iter_mut().zip(value) {
                    *sum += weight * value;
                }
            }
            Plane::seen(sum)
        })
    });
}

type Definition<'a> = &'a dyn Fn(&Plane) -> Plane;

/// The tests above tell a right effect from a wrong one: each of these is nearly right.
#[test]
fn effects_that_are_nearly_right_are_found_out() {
    let grey = [[0.2126, 0.7152, 0.0722]; 3];
    let in_light = |p: &Plane| {
        p.colours(|[r, g, b]| {
            let [r, g, b] = [r, g, b].map(linear);
            [super::reference::encoded(0.2126 * r + 0.7152 * g + 0.0722 * b); 3]
        })
    };
    let mutants: [(&str, &str, f64, Definition<'_>); 9] = [
        ("grey of linear light", "\"greyscale\"", 0.6, &in_light),
        ("grey of video", "\"greyscale\"", 0.6, &|p| p.mixed([[0.299, 0.587, 0.114]; 3])),
        ("half grey", "{ greyscale = { amount = 0.9 } }", 0.9, &|p| p.mixed(grey)),
        ("red and blue exchanged", "\"sepia\"", 1.0, &|p| p.mixed([BROWN[2], BROWN[1], BROWN[0]])),
        ("turned the other way", "{ hue = { degrees = 30 } }", 1.0, &|p| p.mixed(turned(-30.0))),
        ("blurred without light", "{ blur = { sigma = 2 } }", 0.9, &|p| {
            p.blurred_without_light(2.0)
        }),
        ("blurred a little more", "{ blur = { sigma = 2 } }", 0.9, &|p| p.blurred(2.6)),
        ("gamma the other way", "{ gamma = { gamma = 1.5 } }", 0.9, &|p| {
            p.colours(|c| c.map(|v| v.powf(1.5)))
        }),
        ("squares from elsewhere", "{ pixelate = { size = 7 } }", 0.9, &|p| {
            p.mapped(|x, y, _| {
                let span = |at: usize, side: usize| at / 8 * 8..(at / 8 * 8 + 8).min(side);
                Plane::seen(p.averaged(span(x, p.width), span(y, p.height)))
            })
        }),
    ];
    for (name, text, most, wrong) in mutants {
        let found =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| hold(text, most, wrong)));
        assert!(found.is_err(), "{name} passes for {text}");
    }
}
