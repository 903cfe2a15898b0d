// Compiled, not run: what an installed package shows to TypeScript.
import { open, text, train } from 'anyvec'

const trained = await train(text('corpus.txt'), { dimensions: 16, engine: 'native' })
await trained.save('model.safetensors')
const opened = await open('model.safetensors')
for (const { key, score } of await opened.nearest('fruit0', { k: 5 })) {
  const line: string = `${key.toUpperCase()} ${score.toFixed(3)}`
  console.log(line)
}
// @ts-expect-error: there is no such option
await train(text('corpus.txt'), { dimension: 16 })
