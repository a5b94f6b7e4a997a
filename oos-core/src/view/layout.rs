//! A layered layout: ranks from top to bottom, few crossings, straight main line.
//!
//! Vertices come in the order of the plan, so an edge that leads to a later vertex leads down and one that leads back is
//! laid out upside down. A long edge passes the ranks between through bends; edges of one kind to one target share
//! theirs, so that ten failure edges to one clean-up task are one lane. Floating point is only used for coordinates,
//! with the same operations in the same order each time.

use std::collections::BTreeMap;

/// Width and height.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Size {
    pub(super) width: f64,
    pub(super) height: f64,
}

/// A point.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Place {
    pub(super) x: f64,
    pub(super) y: f64,
}

/// An edge between vertices.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arc {
    pub(super) from: usize,
    pub(super) to: usize,
    /// Edges of the same kind and target share their bends.
    pub(super) kind: usize,
    /// How much it pulls its ends together.
    pub(super) weight: f64,
    /// True when its ends should stand below one another.
    pub(super) straight: bool,
}

/// Where everything is.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// Centres of the vertices.
    pub(super) places: Vec<Place>,
    /// For each edge the ways through the ranks between: upper and lower point of each.
    pub(super) bends: Vec<Vec<(Place, Place)>>,
    /// Of the whole drawing.
    pub(super) size: Size,
}

/// Room between vertices of a rank, and around bends.
const GAP: f64 = 28.0;
/// Room between ranks.
const RANK_GAP: f64 = 44.0;
/// Width of a bend.
const BEND: f64 = 10.0;
/// CHOICE: passes over all ranks that order vertices, and that place them.
const ORDER_PASSES: usize = 8;
const PLACE_PASSES: usize = 16;
/// CHOICE: rounds in which chains are made straight; each makes room for the next.
const STRAIGHT_PASSES: usize = 4;

/// Lays out vertices of these sizes.
pub(super) fn layout(sizes: &[Size], arcs: &[Arc]) -> Layout {
    let mut grid = Grid::new(sizes, arcs);
    (0..ORDER_PASSES).for_each(|pass| grid.order(pass % 2 == 0));
    grid.spread();
    (0..PLACE_PASSES).for_each(|pass| grid.place(pass % 2 == 0));
    let chains = grid.chains(arcs);
    (0..STRAIGHT_PASSES).for_each(|_| chains.iter().for_each(|chain| grid.straighten(chain)));
    grid.finish(sizes.len(), arcs)
}

/// A vertex or a bend.
#[derive(Clone, Debug, Default)]
struct Cell {
    rank: usize,
    size: Size,
    x: f64,
    /// Neighbours above and below, with weights.
    up: Vec<(usize, f64)>,
    down: Vec<(usize, f64)>,
}

#[derive(Debug, Default)]
struct Grid {
    cells: Vec<Cell>,
    ranks: Vec<Vec<usize>>,
    /// Bends of each edge, from top to bottom.
    bends: Vec<Vec<usize>>,
}

impl Grid {
    fn new(sizes: &[Size], arcs: &[Arc]) -> Self {
        let ranks = ranks(sizes.len(), arcs);
        let mut grid = Self::default();
        for (size, rank) in sizes.iter().zip(&ranks) {
            grid.add(*rank, *size);
        }
        let mut lanes = BTreeMap::new();
        for arc in arcs {
            grid.add_arc(arc, &mut lanes);
        }
        grid
    }

    fn add(&mut self, rank: usize, size: Size) -> usize {
        let index = self.cells.len();
        self.cells.push(Cell { rank, size, ..Cell::default() });
        while self.ranks.len() <= rank {
            self.ranks.push(Vec::new());
        }
        if let Some(cells) = self.ranks.get_mut(rank) {
            cells.push(index);
        }
        index
    }

    fn rank(&self, cell: usize) -> usize {
        self.cells.get(cell).map_or(0, |c| c.rank)
    }

    fn add_arc(&mut self, arc: &Arc, lanes: &mut BTreeMap<(usize, usize, usize), usize>) {
        let (upper, lower) = if arc.from <= arc.to { (arc.from, arc.to) } else { (arc.to, arc.from) };
        let mut bends = Vec::new();
        let mut above = upper;
        for rank in self.rank(upper) + 1..self.rank(lower) {
            let lane = (arc.to, arc.kind, rank);
            let bend = match lanes.get(&lane) {
                Some(bend) => *bend,
                None => self.add(rank, Size { width: BEND, height: 0.0 }),
            };
            lanes.insert(lane, bend);
            self.join(above, bend, if above == upper { arc.weight } else { arc.weight * 4.0 });
            bends.push(bend);
            above = bend;
        }
        if upper != lower {
            self.join(above, lower, arc.weight);
        }
        self.bends.push(bends);
    }

    fn join(&mut self, upper: usize, lower: usize, weight: f64) {
        if let Some(cell) = self.cells.get_mut(upper) {
            cell.down.push((lower, weight));
        }
        if let Some(cell) = self.cells.get_mut(lower) {
            cell.up.push((upper, weight));
        }
    }

    /// Orders each rank by the middle of its neighbours in the rank before.
    fn order(&mut self, down: bool) {
        let count = self.ranks.len();
        for step in 1..count {
            let rank = if down { step } else { count - 1 - step };
            let fixed = if down { rank - 1 } else { rank + 1 };
            let positions: BTreeMap<usize, f64> = self
                .ranks
                .get(fixed)
                .into_iter()
                .flatten()
                .enumerate()
                .map(|(i, cell)| (*cell, count_as_f64(i)))
                .collect();
            let Some(cells) = self.ranks.get(rank) else { continue };
            let mut keyed: Vec<_> =
                cells.iter().enumerate().map(|(i, cell)| (self.middle(*cell, down, &positions, i), *cell)).collect();
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
            if let Some(cells) = self.ranks.get_mut(rank) {
                *cells = keyed.into_iter().map(|(_, cell)| cell).collect();
            }
        }
    }

    fn middle(&self, cell: usize, down: bool, positions: &BTreeMap<usize, f64>, own: usize) -> f64 {
        let neighbours = self.cells.get(cell).map(|c| if down { &c.up } else { &c.down });
        let known = neighbours.into_iter().flatten().filter_map(|(n, weight)| Some((positions.get(n)?, weight)));
        let (sum, weights) = known.fold((0.0, 0.0), |(sum, all), (at, weight)| (sum + at * weight, all + weight));
        if weights > 0.0 { sum / weights } else { count_as_f64(own) }
    }

    /// A first place for each cell: its rank from left to right, around zero.
    fn spread(&mut self) {
        for rank in &self.ranks {
            let width = |i: &usize| self.cells.get(*i).map_or(0.0, |c| c.size.width);
            let total: f64 = rank.iter().map(width).sum::<f64>() + GAP * count_as_f64(rank.len().saturating_sub(1));
            let mut x = -total / 2.0;
            for i in rank {
                if let Some(cell) = self.cells.get_mut(*i) {
                    cell.x = x + cell.size.width / 2.0;
                    x += cell.size.width + GAP;
                }
            }
        }
    }

    /// Moves each rank towards its neighbours on both sides, without overlaps and in its order.
    fn place(&mut self, down: bool) {
        let count = self.ranks.len();
        for step in 0..count {
            let rank = if down { step } else { count - 1 - step };
            let cells = self.ranks.get(rank).cloned().unwrap_or_default();
            let wanted: Vec<(f64, f64)> = cells.iter().map(|i| self.wanted(*i)).collect();
            for (i, x) in cells.iter().zip(without_overlap(&wanted)) {
                if let Some(cell) = self.cells.get_mut(*i) {
                    cell.x = x;
                }
            }
        }
    }

    /// Where a cell would like to be, and its width.
    fn wanted(&self, i: usize) -> (f64, f64) {
        let Some(cell) = self.cells.get(i) else { return (0.0, 0.0) };
        let all = cell.up.iter().chain(&cell.down);
        let at = all.filter_map(|(n, weight)| Some((self.cells.get(*n)?.x, weight)));
        let (sum, weights) = at.fold((0.0, 0.0), |(sum, all), (x, weight)| (sum + x * weight, all + weight));
        (if weights > 0.0 { sum / weights } else { cell.x }, cell.size.width)
    }

    /// Cells that should stand below one another: the main line, then the lanes.
    fn chains(&self, arcs: &[Arc]) -> Vec<Vec<usize>> {
        let mut next = BTreeMap::new();
        let mut taken = std::collections::BTreeSet::new();
        for arc in arcs.iter().filter(|a| a.straight && self.rank(a.to) == self.rank(a.from) + 1) {
            if !next.contains_key(&arc.from) && taken.insert(arc.to) {
                next.insert(arc.from, arc.to);
            }
        }
        let heads = next.keys().filter(|from| !taken.contains(from));
        let follow = |head: &usize| std::iter::successors(Some(*head), |at| next.get(at).copied()).collect();
        heads.map(follow).chain(self.bends.iter().filter(|b| b.len() > 1).cloned()).collect()
    }

    /// Gives the cells of a chain one x, as far down as the neighbours in their ranks leave room; then again from there.
    fn straighten(&mut self, chain: &[usize]) {
        let mut rest = chain;
        while !rest.is_empty() {
            let mut room = (f64::NEG_INFINITY, f64::INFINITY);
            let mut count = 0;
            for i in rest {
                let (left, right) = self.room(*i);
                let both = (room.0.max(left), room.1.min(right));
                if both.0 > both.1 {
                    break;
                }
                (room, count) = (both, count + 1);
            }
            let (now, later) = rest.split_at(count.max(1));
            let xs = now.iter().filter_map(|i| self.cells.get(*i)).map(|c| c.x);
            let x = (xs.sum::<f64>() / count_as_f64(now.len())).max(room.0).min(room.1);
            for i in now.iter().filter(|_| count > 0) {
                if let Some(cell) = self.cells.get_mut(*i) {
                    cell.x = x;
                }
            }
            rest = later;
        }
    }

    /// From where to where the centre of a cell can move without touching its neighbours.
    fn room(&self, i: usize) -> (f64, f64) {
        let Some(cell) = self.cells.get(i) else { return (0.0, 0.0) };
        let rank = self.ranks.get(cell.rank).map(Vec::as_slice).unwrap_or_default();
        let at = rank.iter().position(|other| *other == i).unwrap_or_default();
        let beside = |n: Option<usize>| n.and_then(|n| rank.get(n)).and_then(|n| self.cells.get(*n));
        let apart = |other: &Cell| (other.size.width + cell.size.width) / 2.0 + GAP;
        let left = beside(at.checked_sub(1)).map_or(f64::NEG_INFINITY, |other| other.x + apart(other));
        let right = beside(at.checked_add(1)).map_or(f64::INFINITY, |other| other.x - apart(other));
        // Rounding must not close a room that is just wide enough.
        (left.min(cell.x), right.max(cell.x))
    }

    fn finish(self, vertices: usize, arcs: &[Arc]) -> Layout {
        let left = self.cells.iter().map(|c| c.x - c.size.width / 2.0).fold(f64::INFINITY, f64::min);
        let right = self.cells.iter().map(|c| c.x + c.size.width / 2.0).fold(f64::NEG_INFINITY, f64::max);
        if vertices == 0 {
            return Layout { bends: arcs.iter().map(|_| Vec::new()).collect(), ..Layout::default() };
        }
        let height = |rank: &Vec<usize>| {
            rank.iter().filter_map(|i| self.cells.get(*i)).map(|c| c.size.height).fold(0.0, f64::max)
        };
        let heights: Vec<f64> = self.ranks.iter().map(height).collect();
        let mut tops = Vec::with_capacity(heights.len());
        let mut y = 0.0;
        for height in &heights {
            tops.push(y);
            y += height + RANK_GAP;
        }
        let band = |cell: &Cell| {
            let (top, height) = (tops.get(cell.rank).copied(), heights.get(cell.rank).copied());
            (top.unwrap_or_default(), height.unwrap_or_default())
        };
        let centre = |cell: &Cell| {
            let (top, height) = band(cell);
            Place { x: cell.x - left, y: top + height / 2.0 }
        };
        let bend = |i: &usize| {
            let cell = self.cells.get(*i)?;
            let ((top, height), x) = (band(cell), cell.x - left);
            Some((Place { x, y: top }, Place { x, y: top + height }))
        };
        Layout {
            places: self.cells.iter().take(vertices).map(centre).collect(),
            bends: self.bends.iter().map(|bends| bends.iter().filter_map(bend).collect()).collect(),
            size: Size { width: right - left, height: y - RANK_GAP },
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "positions in a drawing")]
fn count_as_f64(n: usize) -> f64 {
    n as f64
}

/// The longest way to each vertex over edges that lead down; one that no edge reaches stands beside the one before it.
fn ranks(vertices: usize, arcs: &[Arc]) -> Vec<usize> {
    let mut ranks = vec![0; vertices];
    for vertex in 1..vertices {
        let down = arcs.iter().filter(|a| a.to == vertex && a.from < vertex);
        let longest = down.filter_map(|a| ranks.get(a.from).map(|r: &usize| r + 1)).max();
        let beside = ranks.get(vertex - 1).copied().unwrap_or_default().max(1);
        if let Some(rank) = ranks.get_mut(vertex) {
            *rank = longest.unwrap_or(beside);
        }
    }
    ranks
}

/// Centres as near as can be to the wanted ones: the middle of the places that pushing right and pushing left give.
fn without_overlap(wanted: &[(f64, f64)]) -> Vec<f64> {
    let push = |cells: &mut dyn Iterator<Item = (f64, f64)>, sign: f64| {
        let mut before: Option<(f64, f64)> = None;
        let mut places = Vec::new();
        for (want, width) in cells {
            let least = before.map(|(x, w)| x + (w + width) / 2.0 + GAP);
            let x = least.map_or(want * sign, |least| least.max(want * sign));
            before = Some((x, width));
            places.push(x * sign);
        }
        places
    };
    let right = push(&mut wanted.iter().copied(), 1.0);
    let mut left = push(&mut wanted.iter().rev().copied(), -1.0);
    left.reverse();
    right.iter().zip(&left).map(|(a, b)| f64::midpoint(*a, *b)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arc(from: usize, to: usize) -> Arc {
        Arc { from, to, kind: 0, weight: 1.0, straight: true }
    }

    fn side(from: usize) -> Arc {
        Arc { kind: 1, straight: false, ..arc(from, 3) }
    }

    const BOX: Size = Size { width: 100.0, height: 40.0 };

    #[test]
    fn a_chain_is_straight() {
        let laid = layout(&[BOX; 4], &[arc(0, 1), arc(1, 2), arc(2, 3)]);
        assert!(laid.places.iter().all(|p| (p.x - 50.0).abs() < 0.01), "{laid:?}");
        assert!(laid.places.windows(2).all(|p| p[0].y + 40.0 < p[1].y));
    }

    #[test]
    fn vertices_of_a_rank_do_not_overlap() {
        let arcs: Vec<_> = (1..8).flat_map(|i| [arc(0, i), arc(i, 8)]).collect();
        let laid = layout(&[BOX; 9], &arcs);
        let mut xs: Vec<_> = laid.places[1..8].iter().map(|p| p.x).collect();
        xs.sort_by(f64::total_cmp);
        assert!(xs.windows(2).all(|x| x[1] - x[0] >= 100.0), "{xs:?}");
        assert!(xs.iter().all(|x| *x >= 50.0 && x + 50.0 <= laid.size.width + 0.01));
    }

    #[test]
    fn long_edges_of_one_kind_share_a_lane_and_go_round_the_boxes() {
        let arcs = [arc(0, 1), arc(1, 2), arc(2, 3), side(0), side(1)];
        let laid = layout(&[BOX; 4], &arcs);
        assert_eq!(laid.bends[3][1], laid.bends[4][0]);
        assert!((laid.places[0].x - laid.places[3].x).abs() < 0.01, "{laid:?}");
        for (top, _) in &laid.bends[3] {
            assert!(laid.places.iter().all(|p| (p.x - top.x).abs() > 50.0), "{laid:?}");
        }
    }

    #[test]
    fn an_edge_that_leads_back_keeps_the_ranks() {
        let laid = layout(&[BOX; 3], &[arc(0, 1), arc(1, 2), arc(2, 0), arc(1, 1)]);
        assert!(laid.places[0].y < laid.places[1].y && laid.places[1].y < laid.places[2].y);
        assert_eq!(laid.bends.len(), 4);
        assert!(layout(&[], &[]).places.is_empty());
    }
}
