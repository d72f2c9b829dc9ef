//! The iterators over labels, series, samples and findings.
//!
//! They have types of their own, so that a struct can hold one, and the storage behind them can
//! change.

use std::iter::FusedIterator;
use std::{slice, vec};

pub use crate::model::labels::LabelsIter;
use crate::model::point::Point;

/// An iterator over borrowed items, such as the series of a result.
///
/// Created by `into_iter` of a reference to a [`QueryResult`](crate::QueryResult),
/// [`Series`](crate::Series), [`Page`](crate::Page), [`Export`](crate::Export) or
/// [`Report`](crate::check::Report).
///
/// ```
/// use confluent_metrics::iter::Iter;
/// use confluent_metrics::{Labels, Point, Series};
///
/// let series = Series::new(Labels::default(), Vec::new());
/// let points: Iter<'_, Point> = (&series).into_iter();
/// assert_eq!(points.len(), 0);
/// ```
#[derive(Clone, Debug)]
pub struct Iter<'a, T>(pub(crate) slice::Iter<'a, T>);

/// An iterator over owned items, such as the series of a result.
///
/// Created by `into_iter` of the types that [`Iter`] names.
///
/// ```
/// use confluent_metrics::iter::IntoIter;
/// use confluent_metrics::{Labels, Point, Series};
///
/// let series = Series::new(Labels::default(), Vec::new());
/// let points: IntoIter<Point> = series.into_iter();
/// assert_eq!(points.len(), 0);
/// ```
#[derive(Clone, Debug)]
pub struct IntoIter<T>(pub(crate) vec::IntoIter<T>);

/// An iterator over the values of the points of a series.
///
/// Created by [`Series::values`](crate::Series::values).
///
/// ```
/// use confluent_metrics::iter::Values;
/// use confluent_metrics::{Labels, Series};
///
/// let series = Series::new(Labels::default(), Vec::new());
/// let values: Values<'_> = series.values();
/// assert_eq!(values.sum::<f64>(), 0.0);
/// ```
#[derive(Clone, Debug)]
pub struct Values<'a>(pub(crate) slice::Iter<'a, Point>);

/// Implements the traits of an iterator whose items come from the one inside it.
macro_rules! delegate_iterator {
    ([$($generics:tt)*] $iterator:ty, $item:ty, $map:expr) => {
        impl<$($generics)*> Iterator for $iterator {
            type Item = $item;

            fn next(&mut self) -> Option<Self::Item> {
                self.0.next().map($map)
            }

            fn size_hint(&self) -> (usize, Option<usize>) {
                self.0.size_hint()
            }
        }

        impl<$($generics)*> DoubleEndedIterator for $iterator {
            fn next_back(&mut self) -> Option<Self::Item> {
                self.0.next_back().map($map)
            }
        }

        impl<$($generics)*> ExactSizeIterator for $iterator {}

        impl<$($generics)*> FusedIterator for $iterator {}
    };
}

delegate_iterator!(['a, T] Iter<'a, T>, &'a T, std::convert::identity);
delegate_iterator!([T] IntoIter<T>, T, std::convert::identity);
delegate_iterator!(['a] Values<'a>, f64, |point| point.value);
