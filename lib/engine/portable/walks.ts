/** Random walks over a graph, first-order and second-order, by docs/training-law.md, as native/walks/walks.cpp makes them. */

import { AnyvecError } from '../../errors.js'
import type { WalkParameters } from '../engine.js'
import type { PortableGraph } from './graph.js'
import { draw, PURPOSE, streamKey } from './random.js'

const TWO_32 = 2 ** 32

/** A permutation of 0 .. size - 1 of which any place can be asked for: a Feistel network, walked until it comes back inside. */
export function shuffle(seed: number, round: number, size: number): (place: number) => number {
  const { a, b } = streamKey(seed, PURPOSE.walkOrder, round, 0)
  const half = Math.max(1, Math.floor((32 - Math.clz32(size - 1) + 1) / 2))
  const mask = 2 ** half - 1
  return (place) => {
    let x = place
    do {
      let left = Math.floor(x / 2 ** half)
      let right = (x & mask) >>> 0
      for (let turn = 0; turn < 4; turn++) {
        const next = (left ^ (draw(a, b, (turn << 16) | right) & mask)) >>> 0
        left = right
        right = next
      }
      x = left * 2 ** half + right
    } while (x >= size)
    return x
  }
}

/** A draw below this takes a neighbour of that likelihood. */
function limit(likelihood: number, highest: number): number {
  return likelihood >= highest ? TWO_32 : Math.floor((likelihood / highest) * TWO_32)
}

export class Walker {
  readonly #graph: PortableGraph
  readonly #seed: number
  readonly #length: number
  readonly #plain: boolean
  readonly #back: number
  readonly #highest: number
  readonly #backLimit: number
  readonly #nearLimit: number
  readonly #farLimit: number
  // the draws of the walk that is being made
  #a = 0
  #b = 0
  #index = 0

  constructor(graph: PortableGraph, { walks, walkLength, p, q, seed }: WalkParameters) {
    const likelihood = (value: number) => value >= 1e-6 && value <= 1e6
    if (walks < 1 || walkLength < 1 || walkLength > 2 ** 18 || !likelihood(p) || !likelihood(q)) {
      throw new AnyvecError(
        'ERR_ANYVEC_OPTION',
        'walks must be 1 or more, walkLength 1..262144, p and q 1e-6..1e6',
      )
    }
    this.#graph = graph
    this.#seed = seed
    this.#length = walkLength
    this.#plain = p === 1 && q === 1
    this.#back = 1 / p
    this.#highest = Math.max(1, 1 / q)
    this.#backLimit = limit(this.#back, this.#highest)
    this.#nearLimit = limit(1, this.#highest)
    this.#farLimit = limit(1 / q, this.#highest)
  }

  /** Tells `visit` the nodes of the walk of a round that begins at a node, and answers whether it has its full length. */
  walk(round: number, start: number, visit: (node: number) => void): boolean {
    const graph = this.#graph
    const { a, b } = streamKey(this.#seed, PURPOSE.walk, round, start)
    this.#a = a
    this.#b = b
    this.#index = 0
    visit(start)
    let before = start
    let node = start
    for (let step = 1; step < this.#length; step++) {
      if (graph.degree(node) === 0) return false
      const next = this.#plain || step === 1 ? this.#neighbour(node) : this.#secondOrder(before, node)
      visit(next)
      before = node
      node = next
    }
    return true
  }

  #draw(): number {
    return draw(this.#a, this.#b, this.#index++)
  }

  #neighbour(node: number): number {
    const drawn = this.#draw()
    return this.#graph.draw(node, drawn, this.#draw())
  }

  /** Rejection sampling; native/walks/walks.cpp says how. */
  #secondOrder(before: number, node: number): number {
    const highest = this.#highest
    const beyond = this.#back > highest ? this.#graph.share(node, before) * (this.#back - highest) : 0
    const leap = beyond > 0 ? Math.floor((beyond / (highest + beyond)) * TWO_32) : 0
    for (;;) {
      if (beyond > 0 && this.#draw() < leap) return before
      const next = this.#neighbour(node)
      const coin = this.#draw()
      if (next === before) {
        if (coin < this.#backLimit) return next
      } else if (coin < Math.min(this.#nearLimit, this.#farLimit)) {
        return next
      } else if (coin < Math.max(this.#nearLimit, this.#farLimit)) {
        // only here does it matter whether an edge leads there from the node before
        if (coin < (this.#near(before, next) ? this.#nearLimit : this.#farLimit)) return next
      }
    }
  }

  #near(before: number, next: number): boolean {
    const graph = this.#graph
    const turn = !graph.directed && graph.degree(next) < graph.degree(before)
    return turn ? graph.hasEdge(next, before) : graph.hasEdge(before, next)
  }
}
