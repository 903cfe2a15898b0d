// Several environments of one process share the addon: node workers.mjs CORPUS
//  - workers that train side by side get the same vectors as the main thread, so they share no state;
//  - a worker that is terminated while it loads or trains takes nothing with it.
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'

async function trainOnce(corpus, epochs) {
  const { text, train } = await import('anyvec')
  const options = { dimensions: 16, epochs, minCount: 1, subsample: 0, threads: 1, seed: 1, engine: 'native' }
  const embedding = await train(text(corpus), options)
  return [...embedding.vector('fruit0')]
}

const start = (corpus, epochs) =>
  new Worker(fileURLToPath(import.meta.url), { workerData: { corpus, epochs } })

if (isMainThread) {
  const corpus = process.argv[2]
  const workers = Array.from({ length: 4 }, () => start(corpus, 3))
  const answers = workers.map(async (worker) => (await once(worker, 'message'))[0])
  const exits = workers.map(async (worker) => (await once(worker, 'exit'))[0])
  const own = JSON.stringify(await trainOnce(corpus, 3))
  const same = (await Promise.all(answers)).every((vector) => JSON.stringify(vector) === own)
  const codes = await Promise.all(exits)

  let terminated = 0
  for (const milliseconds of [20, 60, 100, 150, 200, 300]) {
    const worker = start(corpus, 100_000)
    await setTimeout(milliseconds)
    // 1 says that the worker was ended while it still worked.
    if ((await worker.terminate()) === 1) terminated += 1
  }
  const after = JSON.stringify(await trainOnce(corpus, 3)) === own
  console.log(JSON.stringify({ same, codes, terminated, after }))
} else {
  parentPort.postMessage(await trainOnce(workerData.corpus, workerData.epochs))
}
