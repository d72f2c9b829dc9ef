//! The values of a demo series, as a pure function of the series and the minute.
//!
//! The arithmetic is on integers, and fractions are multiples of a power of two. Values are
//! the same on every machine, and sums are exact in any order.

/// Generates the values of one series.
#[derive(Clone, Debug)]
pub(crate) struct Generator {
    pub(crate) seed: u64,
    pub(crate) shape: Shape,
    pub(crate) availability: Availability,
}

/// The course of values over time. The number is a typical value unless its comment says otherwise.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// A counter that follows the hours of the day.
    Traffic(i64),
    /// A counter that is mostly zero.
    Rare(i64),
    /// A gauge that moves slowly by some percent.
    Level(i64),
    /// A gauge that grows to this peak, then drains to zero.
    Lag(i64),
    /// A gauge that grows by this much every minute.
    Growth(i64),
    /// A gauge that never changes.
    Constant(i64),
    /// Zero, and one for some time.
    Flag,
    /// A fraction below one.
    Share,
    /// A gauge with a fraction around this many milliseconds.
    Latency(i64),
    /// A time some seconds ago in milliseconds, or the lowest 64-bit integer if it is unset.
    Watermark,
}

/// The minutes that have a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Availability {
    Always,
    /// No points for five hours at a time.
    Idle,
    /// No points in every other hour.
    Vanishing,
}

const DAY: i64 = 24 * 60;

impl Generator {
    /// Returns the value of a minute, in minutes since 1970. `None` if it has no point.
    pub(crate) fn value(&self, minute: i64) -> Option<f64> {
        let has_point = match self.availability {
            Availability::Always => true,
            // The same hours for every series, so that all series of a topic are idle at once.
            Availability::Idle => mix(minute.div_euclid(300) as u64) % 2 == 0,
            Availability::Vanishing => minute.div_euclid(60) % 2 == 0,
        };
        has_point.then(|| self.shape_value(minute))
    }

    fn shape_value(&self, minute: i64) -> f64 {
        let noise = mix(self.seed ^ minute as u64);
        match self.shape {
            Shape::Traffic(base) => {
                if noise % 97 == 0 {
                    return 0.0;
                }
                let jitter = 75 + (noise >> 8) as i64 % 51;
                to_f64(base * (20 + self.day(minute)) * jitter / 10_000)
            }
            Shape::Rare(base) => {
                let happens = noise % 23 == 0;
                to_f64(if happens {
                    1 + (noise >> 8) as i64 % base.max(1)
                } else {
                    0
                })
            }
            Shape::Level(base) => {
                let percent = 90 + self.swing(minute, 2 * DAY) / 5 + (noise >> 8) as i64 % 3;
                to_f64(base * percent / 100)
            }
            Shape::Lag(peak) => self.lag(minute, peak, noise),
            Shape::Growth(step) => to_f64(step * minute.rem_euclid(1 << 27)),
            Shape::Constant(value) => to_f64(value),
            Shape::Flag => to_f64(i64::from(
                mix(self.seed ^ minute.div_euclid(20) as u64) % 12 == 0,
            )),
            Shape::Share => {
                let part = 150 + self.day(minute) * 6 + (noise >> 8) as i64 % 101;
                part as f64 / 1024.0
            }
            Shape::Latency(base) => {
                let part = base * (40 + self.day(minute) / 2) + (noise >> 8) as i64 % 64;
                part as f64 / 64.0
            }
            Shape::Watermark => {
                let unset = mix(self.seed ^ minute.div_euclid(30) as u64) % 10 == 0;
                let ago = 1_000 + (noise >> 8) as i64 % 20_000;
                if unset {
                    i64::MIN as f64
                } else {
                    to_f64(minute * 60_000 - ago)
                }
            }
        }
    }

    fn lag(&self, minute: i64, peak: i64, noise: u64) -> f64 {
        let period = 90 + (self.seed >> 16) as i64 % 210;
        let position = (minute + (self.seed >> 32) as i64 % period).rem_euclid(period);
        let turn = period * 7 / 10;
        let level = if position < turn {
            peak * position / turn
        } else {
            // It drains faster than it grows, and stays at zero for the last fifth of that time.
            let rest = (period - position) * 5 - (period - turn);
            (peak * rest / (4 * (period - turn))).max(0)
        };
        to_f64(level + level * ((noise >> 8) as i64 % 9) / 100)
    }

    /// Returns 0 at night and 100 at the peak, which is at another hour for each series.
    const fn day(&self, minute: i64) -> i64 {
        self.swing(minute, DAY)
    }

    /// Returns a parabola between 0 and 100, once in a period.
    const fn swing(&self, minute: i64, period: i64) -> i64 {
        let shift = (self.seed >> 24) as i64 % 180;
        let at = (minute + shift).rem_euclid(period);
        400 * at * (period - at) / (period * period)
    }
}

const fn to_f64(value: i64) -> f64 {
    value as f64
}

/// Mixes the bits of a number with the finalizer of `SplitMix64`. The result is below 2^62.
pub(crate) const fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (value ^ (value >> 31)) >> 2
}

/// Hashes text with FNV-1a.
pub(crate) fn hash<'a>(parts: impl IntoIterator<Item = &'a str>) -> u64 {
    let mut state = 0xcbf2_9ce4_8422_2325_u64;
    for byte in parts
        .into_iter()
        .flat_map(|part| part.bytes().chain([0xff]))
    {
        state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    mix(state)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-01-01T00:00:00Z in minutes.
    const START: i64 = 29_453_760;

    fn week(shape: Shape, availability: Availability) -> Vec<Option<f64>> {
        let generator = Generator {
            seed: hash(["a", "series"]),
            shape,
            availability,
        };
        (START..START + 7 * DAY)
            .map(|minute| generator.value(minute))
            .collect()
    }

    #[test]
    fn every_shape_has_changing_and_exact_values() {
        for shape in [
            Shape::Traffic(64),
            Shape::Rare(5),
            Shape::Level(1_000_000),
            Shape::Lag(400),
            Shape::Growth(30),
            Shape::Flag,
            Shape::Share,
            Shape::Latency(20),
            Shape::Watermark,
        ] {
            let values: Vec<f64> = week(shape, Availability::Always)
                .into_iter()
                .flatten()
                .collect();
            assert_eq!(values.len(), 7 * 24 * 60, "{shape:?}");
            let first = values[0];
            assert!(
                values.iter().any(|value| *value != first),
                "{shape:?} moves"
            );
            assert!(
                values.iter().all(|value| (value * 1024.0).fract() == 0.0),
                "{shape:?} adds up exactly"
            );
            let unset = i64::MIN as f64;
            assert!(
                values.iter().all(|value| *value >= 0.0 || *value == unset),
                "{shape:?}"
            );
        }
    }

    #[test]
    fn shares_stay_below_one_and_lag_drains_to_zero() {
        assert!(
            week(Shape::Share, Availability::Always)
                .into_iter()
                .flatten()
                .all(|value| value < 1.0)
        );
        let lag: Vec<f64> = week(Shape::Lag(400), Availability::Always)
            .into_iter()
            .flatten()
            .collect();
        assert!(lag.contains(&0.0) && lag.iter().any(|value| *value > 380.0));
    }

    #[test]
    fn idle_series_have_no_points_for_hours() {
        let idle = week(Shape::Traffic(64), Availability::Idle);
        let missing = idle.iter().filter(|value| value.is_none()).count();
        assert!(missing >= 300 && missing < idle.len(), "{missing}");
        let longest = idle.split(Option::is_some).map(<[_]>::len).max();
        assert!(longest >= Some(240), "{longest:?}");
        let vanishing = week(Shape::Lag(10), Availability::Vanishing);
        assert_eq!(
            vanishing.iter().filter(|value| value.is_none()).count(),
            7 * 12 * 60
        );
    }
}
