import styles from './TableScene.module.css';

interface Seat {
  angle: number;
  tone: string | undefined;
  hair: string | undefined;
  /** Whose turn it is to speak, of `turns`. */
  turn?: number;
}

const seats: Seat[] = [
  { angle: -90, tone: styles.accent, hair: styles.dark, turn: 0 },
  { angle: -30, tone: styles.teal, hair: styles.light },
  { angle: 30, tone: styles.saffron, hair: styles.grey, turn: 1 },
  { angle: 90, tone: styles.plum, hair: styles.dark },
  { angle: 150, tone: styles.accent, hair: styles.grey, turn: 2 },
  { angle: 210, tone: styles.saffron, hair: styles.dark },
];

const centre = 240;
const reach = 166;
const half = 58;

/** The picture of the front page: people in their video tiles, around one table. Decoration only. */
export default function TableScene() {
  return (
    <svg
      className={styles.scene}
      viewBox="0 0 480 480"
      role="presentation"
      aria-hidden="true"
      focusable="false"
    >
      <defs>
        <clipPath id="tile">
          <rect x={-half} y={-half} width={half * 2} height={half * 2} rx="26" />
        </clipPath>
      </defs>
      <circle className={styles.floor} cx={centre} cy={centre} r="226" />
      <circle className={styles.table} cx={centre} cy={centre} r="104" />
      <circle className={styles.rim} cx={centre} cy={centre} r="92" />
      <g className={styles.pot}>
        <circle cx={centre} cy={centre} r="25" className={styles.potBody} />
        <circle cx={centre} cy={centre} r="9" className={styles.potLid} />
      </g>
      {seats.map(({ angle, tone, hair, turn }) => {
        const turnRad = (angle * Math.PI) / 180;
        const x = centre + reach * Math.cos(turnRad);
        const y = centre + reach * Math.sin(turnRad);
        const cupX = centre + 66 * Math.cos(turnRad + 0.28);
        const cupY = centre + 66 * Math.sin(turnRad + 0.28);
        return (
          <g key={angle}>
            <circle className={styles.saucer} cx={cupX} cy={cupY} r="13" />
            <circle className={styles.cup} cx={cupX} cy={cupY} r="7.5" />
            <g transform={`translate(${x.toFixed(1)} ${y.toFixed(1)})`}>
              <g clipPath="url(#tile)" className={tone}>
                <rect className={styles.wall} x={-half} y={-half} width="116" height="116" />
                <path className={styles.body} d="M-44 62c0-30 20-45 44-45s44 15 44 45z" />
                <circle className={styles.face} cy="-8" r="23" />
                <path
                  className={hair}
                  d="M-25-6c-3-20 10-31 25-31s28 11 25 31c-7-9-14-13-25-13S-18-15-25-6z"
                />
              </g>
              {turn === undefined ? null : (
                <rect
                  className={styles.speaking}
                  style={{ animationDelay: `${turn * 2.4}s` }}
                  x={-half}
                  y={-half}
                  width={half * 2}
                  height={half * 2}
                  rx="26"
                />
              )}
            </g>
          </g>
        );
      })}
    </svg>
  );
}
