import { readFileSync, writeFileSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { AnyvecError, open } from '../../lib/index.js'
import { AN_ENGINE, ENGINES } from '../engines.js'
import { embedding, rowsOf } from '../models.js'
import { rejection } from '../rejection.js'
import { fresh, written } from '../temporary.js'

const KEYS = ['the', '苹果', 'a b', '__proto__']
const METADATA = { anyvec: '0.1.0', options: { dimensions: 3, list: [1, null, 'x'] } }

const full = (engine: (typeof ENGINES)[number]) =>
  embedding(engine, KEYS, rowsOf(4, 3), {
    contexts: rowsOf(4, 3, 7),
    counts: [9n, 5n, 5n, 1n],
    metadata: METADATA,
  })

async function saved(): Promise<string> {
  const path = fresh('model.safetensors')
  await full(AN_ENGINE).save(path)
  return path
}

interface Header {
  [name: string]: { dtype: string; shape: number[]; data_offsets: [number, number] } & Record<string, string>
}

/** A reader of the format as its specification has it, without any of our code. */
function parse(bytes: Buffer): { header: Header; data: Buffer } {
  const length = Number(bytes.readBigUInt64LE(0))
  return {
    header: JSON.parse(bytes.toString('utf8', 8, 8 + length)) as Header,
    data: bytes.subarray(8 + length),
  }
}

function assemble(header: unknown, data: Buffer): Buffer {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header))
  const size = Buffer.alloc(8)
  size.writeBigUInt64LE(BigInt(json.length))
  return Buffer.concat([size, json, data])
}

for (const engine of ENGINES) {
  test(`${engine}: a saved model opens with everything it had`, async () => {
    const path = fresh('model.safetensors')
    const model = full(engine)
    await model.save(path)
    const opened = await open(path, { engine, verify: true })
    assert.equal([...opened.keys], KEYS)
    assert.equal([...opened.vectors], [...model.vectors])
    assert.equal([...(opened.contexts ?? [])], [...(model.contexts ?? [])])
    assert.equal(
      KEYS.map((key) => opened.count(key)),
      [9, 5, 5, 1],
    )
    assert.equal(opened.metadata, METADATA)
    assert.is(opened.report, undefined)
    assert.equal(opened.origin, {
      path,
      format: 'safetensors',
      bytes: readFileSync(path).length,
      skipped: { malformedKeys: 0, duplicateKeys: 0 },
    })
  })

  test(`${engine}: writing to an opened model does not reach the file`, async () => {
    const path = fresh('model.safetensors')
    await full(engine).save(path)
    const before = readFileSync(path)
    const opened = await open(path, { engine })
    opened.vector('the').fill(42)
    assert.is(opened.vectors[2], 42)
    assert.ok(readFileSync(path).equals(before))
  })

  test(`${engine}: an opened model can be saved over its own file`, async () => {
    const path = fresh('model.safetensors')
    await full(engine).save(path)
    const opened = await open(path, { engine })
    opened.vector('the').fill(0.5)
    await opened.save(path)
    assert.equal([...(await open(path, { engine, verify: true })).vector('the')], [0.5, 0.5, 0.5])
  })
}

test('a model without contexts and counts opens without them', async () => {
  const path = fresh('model.safetensors')
  await embedding(AN_ENGINE, ['a', 'b'], rowsOf(2, 2)).save(path)
  const opened = await open(path, { engine: AN_ENGINE, verify: true })
  assert.is(opened.contexts, undefined)
  assert.is(opened.context('a'), undefined)
  assert.is(opened.count('a'), undefined)
})

test('the file is plain safetensors: little-endian, without gaps, the vectors at a multiple of 64', async () => {
  for (const keys of [
    ['a', 'b'],
    ['a', 'b', 'c'],
    ['a', 'b', 'c', 'd', 'e', 'f', 'g'],
  ]) {
    const path = fresh('model.safetensors')
    const rows = rowsOf(keys.length, 5)
    await embedding(AN_ENGINE, keys, rows, { counts: keys.map(() => 3n) }).save(path)
    const bytes = readFileSync(path)
    const { header, data } = parse(bytes)
    const tensors = Object.entries(header).filter(([name]) => name !== '__metadata__')
    let end = 0
    for (const [, tensor] of tensors.sort(([, a], [, b]) => a.data_offsets[0] - b.data_offsets[0])) {
      assert.is(tensor.data_offsets[0], end)
      end = tensor.data_offsets[1]
    }
    assert.is(end, data.length)
    const { vectors } = header
    assert.equal(vectors.shape, [keys.length, 5])
    assert.is((bytes.length - data.length + vectors.data_offsets[0]) % 64, 0)
    assert.equal(
      rows.flat().map((_, i) => data.readFloatLE(vectors.data_offsets[0] + 4 * i)),
      rows.flat(),
    )
    for (const value of Object.values(header.__metadata__)) assert.type(value, 'string')
    assert.equal(JSON.parse(header.__metadata__.metadata), {})
  }
})

test('a file that another program wrote with other spaces and in another order still opens', async () => {
  const { header, data } = parse(readFileSync(await saved()))
  const shuffled = Object.fromEntries(Object.entries(header).reverse())
  // an odd length: nothing in the file is aligned any more
  const bytes = assemble(`${JSON.stringify(shuffled, null, 1)}  `.padEnd(1501), data)
  const opened = await open(written('other.safetensors', bytes), { engine: AN_ENGINE, verify: true })
  assert.equal([...opened.vectors], rowsOf(4, 3).flat())
  assert.equal([...opened.keys], KEYS)
})

test('a file cut off at any byte is refused, and says so', async () => {
  const bytes = readFileSync(await saved())
  const path = fresh('cut.safetensors')
  for (let size = 0; size < bytes.length; size++) {
    writeFileSync(path, bytes.subarray(0, size))
    await rejection(() => open(path, { engine: AN_ENGINE }), 'ERR_ANYVEC_FORMAT')
  }
  writeFileSync(path, Buffer.concat([bytes, Buffer.alloc(1)]))
  await rejection(() => open(path, { engine: AN_ENGINE }), 'ERR_ANYVEC_FORMAT', /has grown/)
})

test('a flipped bit anywhere is refused or changes nothing', async () => {
  const bytes = readFileSync(await saved())
  const path = fresh('flipped.safetensors')
  let refused = 0
  for (let at = 0; at < bytes.length; at++) {
    const flipped = Buffer.from(bytes)
    flipped[at] ^= 1 << (at % 8)
    writeFileSync(path, flipped)
    try {
      const opened = await open(path, { engine: AN_ENGINE, verify: true })
      assert.equal([...opened.keys], KEYS)
      assert.equal([...opened.vectors], rowsOf(4, 3).flat())
      assert.equal(opened.metadata, METADATA)
    } catch (error) {
      if (!(error instanceof AnyvecError)) throw error
      assert.is(error.code, 'ERR_ANYVEC_FORMAT', error.message)
      refused++
    }
  }
  // what changes nothing are the spaces behind the header
  assert.ok(refused > bytes.length * 0.9, `${refused} of ${bytes.length}`)
})

test('only verify reads the vectors, and finds damage in them', async () => {
  const bytes = readFileSync(await saved())
  const { header, data } = parse(bytes)
  data[header.vectors.data_offsets[0]] ^= 1
  const path = written('damaged.safetensors', bytes)
  assert.is((await open(path, { engine: AN_ENGINE })).size, 4)
  await rejection(
    () => open(path, { engine: AN_ENGINE, verify: true }),
    'ERR_ANYVEC_FORMAT',
    /checksum of its vectors/,
  )
})

/** Rewrites the header with checksums that hold, as a hostile writer would. */
async function forged(change: (header: Header) => unknown, raw?: (json: string) => string): Promise<string> {
  const { header, data } = parse(readFileSync(await saved()))
  const changed = (change(header) ?? header) as Header
  const { __metadata__: metadata, ...tensors } = changed
  const byName = ([a]: [string, unknown], [b]: [string, unknown]) => (a < b ? -1 : 1)
  if (metadata !== undefined && typeof metadata === 'object') {
    const layout = Object.entries(tensors)
      .sort(byName)
      .map(([name, t]) => [name, t?.dtype, t?.shape, t?.data_offsets?.[0], t?.data_offsets?.[1]])
    const entries = Object.entries(metadata)
      .filter(([name]) => name !== 'crc32.header')
      .sort(byName)
    metadata['crc32.header'] = crc32(JSON.stringify([entries, layout]))
      .toString(16)
      .padStart(8, '0')
  }
  const json = JSON.stringify(changed)
  return written('forged.safetensors', assemble(raw === undefined ? json : raw(json), data))
}

test('the forger of these tests makes files that open when it changes nothing', async () => {
  assert.is((await open(await forged(() => undefined), { engine: AN_ENGINE, verify: true })).size, 4)
})

const FORGERIES: readonly [string, RegExp, (header: Header) => unknown, ((json: string) => string)?][] = [
  ['no JSON', /no JSON/, () => undefined, (json) => json.slice(0, -1)],
  ['a list', /no JSON object|safetensors/, () => undefined, () => '{"a":[]}'],
  ['a name twice', /names "keys" twice/, () => undefined, (json) => `${json.slice(0, -1)},"keys":{}}`],
  ['not UTF-8', /not valid UTF-8/, () => undefined, (json) => json.replace('anyvec', 'any\ufffdc')],
  [
    'another program',
    /no anyvec model/,
    (h) => {
      h.__metadata__.format = 'pt'
    },
  ],
  [
    'a newer version',
    /version 99/,
    (h) => {
      h.__metadata__.version = '99'
    },
  ],
  [
    'metadata that is a number',
    /no string/,
    (h) => {
      h.__metadata__.extra = 7 as unknown as string
    },
  ],
  [
    'training metadata that is no object',
    /no JSON object/,
    (h) => {
      h.__metadata__.metadata = '[]'
    },
  ],
  [
    'an unknown tensor',
    /unknown tensor/,
    (h) => {
      h.extra = h.keys
    },
  ],
  ['vectors missing', /no matrix of vectors/, (h) => void Reflect.deleteProperty(h, 'vectors')],
  ['keys missing', /has no keys/, (h) => void Reflect.deleteProperty(h, 'keys')],
  [
    'an unknown type',
    /unknown type/,
    (h) => {
      h.vectors.dtype = 'F16'
    },
  ],
  [
    'a shape past its place',
    /in a place of/,
    (h) => {
      h.vectors.shape = [4, 4]
    },
  ],
  [
    'a shape that overflows',
    /in a place of/,
    (h) => {
      h.vectors.shape = [2 ** 31, 2 ** 33]
    },
  ],
  [
    'a negative shape',
    /no valid shape/,
    (h) => {
      h.vectors.shape = [-4, -3]
    },
  ],
  [
    'no rows',
    /holds no vectors|place/,
    (h) => {
      h.vectors.shape = [0, 3]
    },
  ],
  [
    'overlapping tensors',
    /begin at byte/,
    (h) => {
      h.contexts.data_offsets = h.vectors.data_offsets
    },
  ],
  [
    'a place that is no range',
    /no valid place/,
    (h) => {
      h.keys.data_offsets = [5] as unknown as [number, number]
    },
  ],
  [
    'a fourth field',
    /not described/,
    (h) => {
      h.keys.extra = 'x'
    },
  ],
  [
    'transposed vectors',
    /instead of/,
    (h) => {
      h.vectors.shape = [3, 4]
    },
  ],
  ['offsets as bytes', /instead of/, (h) => void Object.assign(h.key_offsets, { dtype: 'U8', shape: [40] })],
]

for (const [what, message, change, raw] of FORGERIES) {
  test(`a header with ${what} is refused`, async () => {
    let path = await forged(change, raw)
    if (what === 'not UTF-8') {
      const bytes = readFileSync(path)
      bytes[bytes.indexOf('\ufffd')] = 0xff
      path = written('forged.safetensors', bytes)
    }
    const error = await rejection(() => open(path, { engine: AN_ENGINE }), 'ERR_ANYVEC_FORMAT', message)
    assert.is(error.details.path, path)
  })
}

test('keys that are damaged under a right checksum are refused', async () => {
  const change = async (edit: (keys: Buffer, offsets: BigUint64Array) => void) => {
    const { header, data } = parse(readFileSync(await saved()))
    const place = (name: string) => data.subarray(...header[name].data_offsets)
    const offsets = new BigUint64Array(new Uint8Array(place('key_offsets')).buffer)
    edit(place('keys'), offsets)
    place('key_offsets').set(new Uint8Array(offsets.buffer))
    const path = await forged((h) => {
      for (const name of ['keys', 'key_offsets']) {
        h.__metadata__[`crc32.${name}`] = crc32(place(name)).toString(16).padStart(8, '0')
      }
    })
    const bytes = readFileSync(path)
    data.copy(bytes, bytes.length - data.length)
    return written('keys.safetensors', bytes)
  }
  const cases: readonly [RegExp, (keys: Buffer, offsets: BigUint64Array) => void][] = [
    [
      /row 1 .*not valid UTF-8/,
      (keys) => {
        keys[0] = 0xff
      },
    ],
    [
      /row 1 .*NUL/,
      (keys) => {
        keys[0] = 0
      },
    ],
    [
      /row 1 .*begins at byte 1/,
      (_, offsets) => {
        offsets[0] = 1n
      },
    ],
    [
      /row 1 .*is empty/,
      (_, offsets) => {
        offsets[1] = 0n
      },
    ],
    [
      /row 2 .*out of place/,
      (_, offsets) => {
        offsets[2] = 1n
      },
    ],
    [
      /row 2 .*out of place/,
      (_, offsets) => {
        offsets[2] = 2n ** 63n
      },
    ],
    [
      /followed by bytes/,
      (_, offsets) => {
        offsets[4] -= 1n
      },
    ],
    // in the middle of a character: the bytes as a whole are valid UTF-8
    [
      /row 2 .*not valid UTF-8|row 3 .*not valid UTF-8/,
      (_, offsets) => {
        offsets[2] -= 1n
      },
    ],
  ]
  for (const [message, edit] of cases) {
    const path = await change(edit)
    await rejection(() => open(path, { engine: AN_ENGINE }), 'ERR_ANYVEC_FORMAT', message)
  }
})

test('a key that stands twice is refused', async () => {
  const path = fresh('twice.safetensors')
  await embedding(AN_ENGINE, ['a', 'b', 'a'], rowsOf(3, 2)).save(path)
  await rejection(() => open(path, { engine: AN_ENGINE }), 'ERR_ANYVEC_FORMAT', /"a" stands in rows 1 and 3/)
})

test.run()
