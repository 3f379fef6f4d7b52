import { useId } from 'react';
import styles from './choice.module.css';

/** One of a few: radio buttons that look like a segmented control. */
export function Choice<K extends string>({
  label,
  options,
  value,
  onChange,
}: {
  label: string;
  options: readonly { readonly key: K; readonly title: string }[];
  value: K;
  onChange: (key: K) => void;
}) {
  const name = useId();
  return (
    <fieldset className={styles.group}>
      <legend className="visually-hidden">{label}</legend>
      {options.map(({ key, title }) => (
        <label key={key} className={styles.option}>
          <input type="radio" name={name} checked={key === value} onChange={() => onChange(key)} />
          <span>{title}</span>
        </label>
      ))}
    </fieldset>
  );
}
