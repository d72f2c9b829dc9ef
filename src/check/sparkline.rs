//! A line of block characters that shows the points of a series.
//!
//! The word is [Edward Tufte's].
//!
//! [Edward Tufte's]: https://www.edwardtufte.com/notebook/sparkline-theory-and-practice-edward-tufte/
//!
//! ```text
//! points    0 5 10 – 10 20
//! line      ▁▃▅·▅█
//! ```

use crate::check::value::is_unset;
use crate::check::window::CheckWindow;
use crate::model::series::Series;

/// The width of the widest line, in characters.
const MAX_WIDTH: usize = 24;

/// A column without a point.
const GAP: char = '·';

/// The bars from the lowest to the highest, Unicode's block elements U+2581 to U+2588.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The points of a series that count, in columns.
#[derive(Debug, Default)]
pub(crate) struct Sparkline {
    /// The maximum of the points of each column. Empty if there are fewer than two points.
    columns: Vec<Option<f64>>,
    /// The minimum of the points, or 0 if that is less.
    low: f64,
    /// The maximum of the points, or 0 if that is greater.
    high: f64,
}

impl Sparkline {
    /// Divides the window into columns. There are none if the series has fewer than two points.
    pub(crate) fn new(series: &Series, window: &CheckWindow) -> Self {
        let mut sparkline = Self::default();
        let settled: Vec<_> = series
            .points()
            .iter()
            .copied()
            .filter(|point| window.contains(*point) && window.has_settled(*point))
            .collect();
        let width = usize::try_from(window.buckets())
            .unwrap_or(MAX_WIDTH)
            .min(MAX_WIDTH);
        let Some((start, _)) = window.bounds() else {
            return sparkline;
        };
        if settled.len() < 2 || width < 2 {
            return sparkline;
        }
        // Buckets that may still change have no column.
        let seconds = window.age_reference().duration_since(start).as_secs_f64();
        sparkline.columns = vec![None; width];
        for point in settled {
            if is_unset(point.value) {
                continue;
            }
            sparkline.low = sparkline.low.min(point.value);
            sparkline.high = sparkline.high.max(point.value);
            let share = point.timestamp.duration_since(start).as_secs_f64() / seconds;
            // A point at the very end of the window has the share 1, and belongs to the last
            // column.
            let index = ((share * width as f64) as usize).min(width - 1);
            if let Some(column) = sparkline.columns.get_mut(index) {
                *column = Some(column.map_or(point.value, |max| max.max(point.value)));
            }
        }
        sparkline
    }

    /// Gives both lines the scale of both, so that the heights of their bars can be compared.
    pub(crate) fn share_scale(&mut self, other: &mut Self) {
        self.low = self.low.min(other.low);
        self.high = self.high.max(other.high);
        other.low = self.low;
        other.high = self.high;
    }

    /// Draws a bar for each column. The lowest bar is the minimum or 0, whichever is less.
    pub(crate) fn draw(&self) -> String {
        let mut line = String::new();
        for column in &self.columns {
            line.push(column.map_or(GAP, |value| bar(value, self.low, self.high)));
        }
        line
    }
}

/// Returns the bar of a value from `low` to `high`.
fn bar(value: f64, low: f64, high: f64) -> char {
    // Halved, since `high - low` may exceed `f64`.
    let share = (value / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0);
    // The share is NaN if all values are 0, and casts to the lowest bar.
    let index = (share * (BARS.len() - 1) as f64).round() as usize;
    BARS.get(index).copied().unwrap_or(BARS[0])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::query_result::QueryResult;
    use crate::request::query::Query;
    use crate::time::call_context::CallContext;
    use crate::time::granularity::Granularity;
    use std::time::Duration;

    /// Draws an hour with a point in each of these minutes.
    fn draw(points: &[(u32, f64)]) -> String {
        let hour = "2026-01-08T11:00:00Z/PT1H".parse().unwrap();
        let query = Query::new("m", Granularity::OneMinute, hour);
        let rows: Vec<_> = points
            .iter()
            .map(|(minute, value)| {
                format!(r#"{{"timestamp":"2026-01-08T11:{minute:02}:00Z","value":{value:e}}}"#)
            })
            .collect();
        let body = format!(r#"{{"data":[{}]}}"#, rows.join(","));
        let result = QueryResult::from_json(&query, body.as_bytes()).unwrap();
        let context = CallContext {
            now: "2026-01-08T13:00:00Z".parse().unwrap(),
            data_latency: Duration::ZERO,
            retention: Duration::MAX,
        };
        let window = CheckWindow::new(&query, &context).unwrap();
        Sparkline::new(&result.series()[0], &window).draw()
    }

    #[test]
    fn columns_show_the_maximum_of_their_points() {
        for (points, line) in [
            (vec![(0, 1.0)], ""),
            (
                vec![(0, 1.0), (1, 7.0), (59, 3.5)],
                "█······················▅",
            ),
            (vec![(0, 0.0), (59, 0.0)], "▁······················▁"),
            (
                vec![(0, -7.0), (30, 0.0), (59, -3.5)],
                "▁···········█··········▅",
            ),
        ] {
            assert_eq!(draw(&points), line, "{points:?}");
        }
    }
}
