import { Fragment, type ReactNode } from 'react';
import styles from './MessageText.module.css';
import { type Block, type Inline, readMarkdown } from './markdown';

/** A message as written, with its marks turned into what they mean. */
export function MessageText({ text }: { text: string }) {
  return (
    <div className={styles.text}>
      {keyed(readMarkdown(text), (block) => (
        <Paragraph block={block} />
      ))}
    </div>
  );
}

function Paragraph({ block }: { block: Block }) {
  switch (block.kind) {
    case 'code':
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls sideways must be reachable with the keyboard.
      return <pre tabIndex={0}>{block.text}</pre>;
    case 'quote':
      return (
        <blockquote>
          <Runs parts={block.parts} />
        </blockquote>
      );
    case 'list': {
      const items = keyed(block.items, (item) => (
        <li>
          <Runs parts={item} />
        </li>
      ));
      return block.ordered ? <ol start={block.start}>{items}</ol> : <ul>{items}</ul>;
    }
    default:
      return (
        <p>
          <Runs parts={block.parts} />
        </p>
      );
  }
}

function Runs({ parts }: { parts: readonly Inline[] }) {
  return keyed(parts, (part) => <Run part={part} />);
}

function Run({ part }: { part: Inline }) {
  switch (part.kind) {
    case 'text':
      return part.text;
    case 'code':
      return <code>{part.text}</code>;
    case 'strong':
      return (
        <strong>
          <Runs parts={part.parts} />
        </strong>
      );
    case 'emphasis':
      return (
        <em>
          <Runs parts={part.parts} />
        </em>
      );
    case 'struck':
      return (
        <s>
          <Runs parts={part.parts} />
        </s>
      );
    case 'link':
      return (
        <a href={part.href} target="_blank" rel="noopener noreferrer nofollow">
          {part.text}
        </a>
      );
    case 'named':
      return (
        <>
          <a href={part.href} target="_blank" rel="noopener noreferrer nofollow">
            <Runs parts={part.parts} />
          </a>{' '}
          <span className={styles.host}>({part.host})</span>
        </>
      );
  }
}

/** The pieces of a message never change places, so their places are their keys. */
function keyed<T>(list: readonly T[], render: (item: T) => ReactNode): ReactNode {
  return list.map((item, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: see above.
    <Fragment key={index}>{render(item)}</Fragment>
  ));
}
