//! The points of a series in a `for` loop.

use crate::model::iter::{IntoIter, Iter};
use crate::model::series::{Point, Series};

impl IntoIterator for Series {
    type Item = Point;
    type IntoIter = IntoIter<Point>;

    fn into_iter(self) -> IntoIter<Point> {
        IntoIter(self.into_points().into_iter())
    }
}

#[expect(clippy::into_iter_without_iter, reason = "`points` returns the slice")]
impl<'a> IntoIterator for &'a Series {
    type Item = &'a Point;
    type IntoIter = Iter<'a, Point>;

    fn into_iter(self) -> Iter<'a, Point> {
        Iter(self.points().iter())
    }
}
