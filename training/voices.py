"""Synthetic voices in eight languages: `python -m training.voices --out DIR` writes FLAC files and a manifest.csv.

They speak what queues say and what people say who pick up. Needs the programs espeak-ng, flite and festival with the
voices that training/README.md names; what is missing is left out. A third of the voices are kept from the net
(use `fit`), so that the decision also sees voices which the net has never heard.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import soundfile

from .sources import RATE, read

TEXTS: dict[str, tuple[str, ...]] = {
    "en": (
        "Thank you for holding. All of our representatives are still busy helping other customers.",
        "Your call is important to us. Please stay on the line, and it will be answered in the order received.",
        "You are number four in the queue. The estimated waiting time is seven minutes.",
        "Did you know that you can manage your account online, at any time of the day?",
        "This call may be recorded for training purposes.",
        "To leave a message, press one. To keep your place in the queue, just stay on the line.",
        "We are sorry to keep you waiting. Somebody will be with you as soon as possible.",
        "Our office is open from Monday to Friday, from eight in the morning until six in the evening.",
        "Hello, this is Sarah, thanks for waiting.",
        "Good morning, billing department, how can I help you?",
        "Hello?",
        "Are you still there?",
        "Hi, sorry about that. I have looked at the order, and it was sent out on Tuesday.",
        "Okay, I am back. Can you hear me?",
    ),
    "de": (
        "Vielen Dank für Ihre Geduld. Alle Mitarbeiter sind im Gespräch, bitte legen Sie nicht auf.",
        "Sie sind an dritter Stelle in der Warteschlange. Die Wartezeit beträgt etwa fünf Minuten.",
        "Ihr Anruf ist uns wichtig. Der nächste freie Platz ist für Sie reserviert.",
        "Guten Tag, mein Name ist Weber, was kann ich für Sie tun?",
        "Hallo? Sind Sie noch da?",
    ),
    "fr": (
        "Tous nos conseillers sont en ligne. Merci de bien vouloir patienter quelques instants.",
        "Votre temps d'attente est estimé à six minutes. Nous vous remercions de votre patience.",
        "Vous pouvez aussi nous écrire sur notre site, rubrique contact.",
        "Bonjour, merci d'avoir patienté, je vous écoute.",
        "Allô ? Vous êtes toujours là ?",
    ),
    "es": (
        "Todos nuestros agentes están ocupados. Por favor, permanezca en la línea.",
        "Su llamada es muy importante para nosotros y será atendida en breve.",
        "Usted es el número dos de la fila. Gracias por su paciencia.",
        "Buenos días, le habla Marta, ¿en qué puedo ayudarle?",
        "¿Hola? ¿Sigue usted ahí?",
    ),
    "it": (
        "Tutti gli operatori sono occupati. La preghiamo di rimanere in linea per non perdere la priorità acquisita.",
        "Il tempo di attesa stimato è di otto minuti. Grazie per la pazienza.",
        "Può trovare molte risposte anche sul nostro sito, in qualsiasi momento.",
        "Buongiorno, sono Paola, come posso aiutarla?",
        "Pronto? È ancora in linea?",
    ),
    "cs": (
        "Všichni operátoři jsou momentálně obsazeni. Prosím vyčkejte na lince.",
        "Vaše pořadí ve frontě je tři. Děkujeme za trpělivost.",
        "Pro zanechání vzkazu stiskněte jedničku, jinak zůstaňte na lince.",
        "Dobrý den, tady Novák, co pro vás mohu udělat?",
        "Haló? Jste tam ještě?",
    ),
    "fi": (
        "Kaikki asiakaspalvelijamme ovat varattuja. Olkaa hyvä ja odottakaa linjalla.",
        "Olette jonossa sijalla kaksi. Kiitos kärsivällisyydestänne.",
        "Puhelunne on meille tärkeä, ja siihen vastataan mahdollisimman pian.",
        "Hei, täällä Anna, kuinka voin auttaa?",
        "Haloo? Oletteko vielä siellä?",
    ),
    "ca": (
        "Tots els nostres agents estan ocupats. Si us plau, esperi un moment.",
        "La seva trucada és important per a nosaltres. Gràcies per la seva paciència.",
        "Bon dia, soc la Marta, en què el puc ajudar?",
        "Hola? Encara hi és?",
    ),
    "ru": (
        "Все операторы заняты. Пожалуйста, оставайтесь на линии.",
        "Ваш звонок очень важен для нас. Вам ответит первый освободившийся оператор.",
        "Вы третий в очереди. Время ожидания составляет пять минут.",
        "Здравствуйте, меня зовут Анна, чем могу помочь?",
        "Алло? Вы ещё там?",
    ),
}  # fmt: skip

# voice, language, command ("{text}" on the standard input unless named), use
ESPEAK = (
    ("en-us", "en", "train"), ("en-gb+f3", "en", "train"), ("en-gb-x-rp+m7", "en", "fit"), ("en-029+f5", "en", "train"),
    ("de+f2", "de", "train"), ("de+m3", "de", "fit"), ("fr-fr+f4", "fr", "train"), ("es-419+m1", "es", "train"),
    ("es+f1", "es", "fit"), ("it+f5", "it", "train"), ("cs+m4", "cs", "train"), ("fi+f2", "fi", "train"),
    ("ca+m2", "ca", "train"), ("ru+f3", "ru", "fit"),
)  # fmt: skip
FLITE = (("slt", "en", "train"), ("rms", "en", "train"), ("awb", "en", "fit"), ("kal16", "en", "train"))
FESTIVAL = (
    ("kal_diphone", "en", "train"), ("cmu_us_slt_arctic_hts", "en", "fit"), ("lp_diphone", "it", "train"),
    ("pc_diphone", "it", "fit"), ("czech_dita", "cs", "train"), ("czech_ph", "cs", "fit"),
    ("czech_machac", "cs", "train"), ("suo_fi_lj_diphone", "fi", "train"), ("hy_fi_mv_diphone", "fi", "fit"),
    ("upc_ca_ona_hts", "ca", "train"), ("msu_ru_nsh_clunits", "ru", "train"),
)  # fmt: skip
ENCODINGS = {"cs": "iso-8859-2", "fi": "iso-8859-1", "it": "iso-8859-1", "ca": "iso-8859-15"}  # of festival's voices


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        wave = Path(folder) / "x.wav"
        for program, voices in (("espeak", ESPEAK), ("flite", FLITE), ("festival", FESTIVAL)):
            for voice, language, use in voices:
                for number, text in enumerate(TEXTS[language]):
                    wave.unlink(missing_ok=True)
                    if not _speak(program, voice, language, text, number, wave):
                        break
                    name = f"{program}-{voice}-{number}.flac"
                    soundfile.write(options.out / name, _quieter(read(wave)), RATE)
                    rows.append((name, f"made-{program}", "speech_tts", voice, language, use))
    with (options.out / "manifest.csv").open("w", newline="") as table:
        writer = csv.writer(table)
        writer.writerow(("path", "source", "class", "speaker", "language", "use"))
        writer.writerows(rows)


def _speak(program: str, voice: str, language: str, text: str, number: int, wave: Path) -> bool:
    """Whether the program could speak it."""
    fed = text.encode()
    if program == "espeak":
        speed = str(140 + 13 * (number % 5))
        command = ["espeak-ng", "-v", voice, "-s", speed, "-p", str(40 + 7 * (number % 4)), "-w", str(wave)]
    elif program == "flite":
        command, fed = ["flite", "-voice", voice, "-t", text, "-o", str(wave)], b""
    else:
        fed = text.encode(ENCODINGS.get(language, "utf-8"), errors="ignore")
        command = ["text2wave", "-eval", f"(voice_{voice})", "-o", str(wave)]
    try:
        done = subprocess.run(command, input=fed, capture_output=True, timeout=60, check=False)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and wave.exists() and wave.stat().st_size > 4000


def _quieter(samples: np.ndarray) -> np.ndarray:
    return (samples * (0.5 / max(1e-6, float(np.abs(samples).max())))).astype(np.float32)


if __name__ == "__main__":
    main()
