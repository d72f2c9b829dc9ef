//! A model of filters, which builds the library's filter and evaluates itself.

use std::collections::BTreeMap;

use confluent_metrics::{Filter, FilterValue};
use proptest::prelude::*;

/// The labels of one series.
pub(crate) type Labels = BTreeMap<String, String>;

#[derive(Clone, Debug)]
pub(crate) enum Operand {
    Text(String),
    Whole(i64),
}

#[derive(Clone, Debug)]
pub(crate) enum Expression {
    Equal(String, Operand),
    Greater(String, Operand),
    GreaterOrEqual(String, Operand),
    OneOf(String, Vec<Operand>),
    All(Vec<Expression>),
    Any(Vec<Expression>),
    And(Box<Expression>, Box<Expression>),
    Or(Box<Expression>, Box<Expression>),
    Not(Box<Expression>),
}

impl Expression {
    pub(crate) fn filter(&self) -> Filter {
        match self {
            Self::Equal(label, value) => Filter::eq(label, value),
            Self::Greater(label, value) => Filter::gt(label, value),
            Self::GreaterOrEqual(label, value) => Filter::gte(label, value),
            Self::OneOf(label, values) => Filter::one_of(label, values),
            Self::All(members) => Filter::all(members.iter().map(Self::filter)),
            Self::Any(members) => Filter::any(members.iter().map(Self::filter)),
            Self::And(one, other) => one.filter().and(other.filter()),
            Self::Or(one, other) => one.filter().or(other.filter()),
            Self::Not(inner) => !inner.filter(),
        }
    }

    pub(crate) fn passes(&self, labels: &Labels) -> bool {
        // A missing label is neither equal to anything nor greater.
        let of = |label: &String| labels.get(label);
        match self {
            Self::Equal(label, value) => of(label).is_some_and(|own| *own == value.text()),
            Self::Greater(label, value) => of(label).is_some_and(|own| *own > value.text()),
            Self::GreaterOrEqual(label, value) => of(label).is_some_and(|own| *own >= value.text()),
            Self::OneOf(label, values) => {
                of(label).is_some_and(|own| values.iter().any(|value| *own == value.text()))
            }
            Self::All(members) => members.iter().all(|member| member.passes(labels)),
            Self::Any(members) => members.iter().any(|member| member.passes(labels)),
            Self::And(one, other) => one.passes(labels) && other.passes(labels),
            Self::Or(one, other) => one.passes(labels) || other.passes(labels),
            Self::Not(inner) => !inner.passes(labels),
        }
    }
}

impl Operand {
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Whole(whole) => whole.to_string(),
        }
    }
}

impl From<&Operand> for FilterValue {
    fn from(operand: &Operand) -> Self {
        match operand {
            Operand::Text(text) => text.into(),
            Operand::Whole(whole) => (*whole).into(),
        }
    }
}

/// An expression over these labels and values, up to four levels deep.
pub(crate) fn expression(
    labels: Vec<String>,
    operand: impl Strategy<Value = Operand> + Clone + 'static,
) -> impl Strategy<Value = Expression> {
    let label = prop::sample::select(labels);
    let pair = || (label.clone(), operand.clone());
    let leaf = prop_oneof![
        pair().prop_map(|(label, value)| Expression::Equal(label, value)),
        pair().prop_map(|(label, value)| Expression::Greater(label, value)),
        pair().prop_map(|(label, value)| Expression::GreaterOrEqual(label, value)),
        (label.clone(), prop::collection::vec(operand.clone(), 1..4))
            .prop_map(|(label, values)| Expression::OneOf(label, values)),
    ];
    leaf.prop_recursive(4, 16, 3, |inner| {
        let members = || prop::collection::vec(inner.clone(), 1..4);
        let two = || {
            (inner.clone(), inner.clone()).prop_map(|(one, other)| (Box::new(one), Box::new(other)))
        };
        prop_oneof![
            members().prop_map(Expression::All),
            members().prop_map(Expression::Any),
            two().prop_map(|(one, other)| Expression::And(one, other)),
            two().prop_map(|(one, other)| Expression::Or(one, other)),
            inner
                .clone()
                .prop_map(|inner| Expression::Not(Box::new(inner))),
        ]
    })
}
