import { expect, test } from './support/meeting';
import { type Person, SOON } from './support/person';

/** How many pixels of somebody's whiteboard have been drawn on. */
function inked({ page }: Person): Promise<number> {
  return page.locator('canvas.excalidraw__canvas.static').evaluate((canvas: HTMLCanvasElement) => {
    const picture = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height);
    const data = picture?.data ?? [];
    const [r, g, b] = data;
    let count = 0;
    for (let at = 0; at < data.length; at += 4) {
      if (data[at] !== r || data[at + 1] !== g || data[at + 2] !== b) count += 1;
    }
    return count;
  });
}

/** How many pixels others' pointers take on somebody's whiteboard, where nothing is selected. */
function pointed({ page }: Person): Promise<number> {
  const canvas = page.locator('canvas.excalidraw__canvas.interactive');
  return canvas.evaluate((layer: HTMLCanvasElement) => {
    const picture = layer.getContext('2d')?.getImageData(0, 0, layer.width, layer.height);
    return (picture?.data ?? []).filter((value, at) => at % 4 === 3 && value > 0).length;
  });
}

async function rectangle({ page }: Person, from: number): Promise<void> {
  const box = await page.locator('canvas.excalidraw__canvas.interactive').boundingBox();
  if (!box) throw new Error('there is no canvas');
  await page.mouse.click(box.x + box.width / 2, box.y + box.height - 60);
  await page.keyboard.press('r');
  await page.mouse.move(box.x + from, box.y + 260);
  await page.mouse.down();
  await page.mouse.move(box.x + from + 90, box.y + 340, { steps: 4 });
  await page.mouse.up();
}

test('two people draw on one whiteboard, which asks nobody else', async ({ arrive, room }) => {
  const ana = await arrive({ name: 'Ana', devices: 'none' });
  const boris = await arrive({ name: 'Boris', devices: 'none' });
  await ana.join(room);
  await boris.join(room);
  const elsewhere: string[] = [];
  for (const { page } of [ana, boris]) {
    page.on('request', (request) => {
      const url = new URL(request.url());
      if (url.protocol.startsWith('http') && url.origin !== new URL(page.url()).origin) {
        elsewhere.push(request.url());
      }
    });
    page.on('console', (message) => {
      if (message.text().includes('Content Security Policy')) elsewhere.push(message.text());
    });
  }
  await ana.choose('More', 'Whiteboard');
  for (const { page } of [ana, boris]) {
    await page.locator('canvas.excalidraw__canvas.interactive').waitFor({ timeout: SOON });
  }
  expect(await pointed(boris)).toBe(0);
  await rectangle(ana, 300);
  // Boris sees where Ana points.
  await ana.page.mouse.move(520, 420, { steps: 5 });
  await expect.poll(() => pointed(boris), { timeout: SOON }).toBeGreaterThan(50);
  await expect.poll(() => inked(boris), { timeout: SOON }).toBeGreaterThan(100);
  const before = await inked(boris);
  await rectangle(boris, 500);
  await expect.poll(() => inked(ana), { timeout: SOON }).toBeGreaterThan(before * 1.5);

  // A picture goes through the room's files.
  const drawn = await inked(boris);
  await ana.page.locator('canvas.excalidraw__canvas.interactive').evaluate(async (canvas) => {
    const bytes = await (await fetch('/icon-192.png')).blob();
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([bytes], 'photo.png', { type: 'image/png' }));
    const box = canvas.getBoundingClientRect();
    const at = { clientX: box.x + 300, clientY: box.y + 160 };
    canvas.dispatchEvent(new DragEvent('drop', { bubbles: true, dataTransfer, ...at }));
  });
  await expect.poll(() => inked(boris), { timeout: SOON }).toBeGreaterThan(drawn + 5_000);

  // Letters choose tools; the hand that `r` would raise stays down.
  await expect(
    ana.page.getByRole('button', { name: /raise/i }).getAttribute('aria-pressed'),
  ).resolves.not.toBe('true');

  // Whoever comes late finds what was drawn.
  const chloe = await arrive({ name: 'Chloe', devices: 'none', beside: boris });
  await chloe.join(room);
  await chloe.page.locator('canvas.excalidraw__canvas.interactive').waitFor({ timeout: SOON });
  await expect.poll(() => inked(chloe), { timeout: SOON }).toBeGreaterThan(drawn + 5_000);

  await ana.button('Clear for everybody').click();
  await ana.page
    .getByRole('alertdialog')
    .getByRole('button', { name: 'Clear for everybody' })
    .click();
  await expect.poll(() => inked(boris), { timeout: SOON }).toBe(0);

  await ana.button('Close for everybody').click();
  await boris.page.getByRole('region', { name: 'Whiteboard' }).waitFor({ state: 'detached' });
  expect(elsewhere).toEqual([]);
});
