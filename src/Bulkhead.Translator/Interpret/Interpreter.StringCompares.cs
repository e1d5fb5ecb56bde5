using Bulkhead.X86.State;
using Iced.Intel;

namespace Bulkhead.Translator.Interpret;

/// <remarks>
/// SCAS and CMPS. Other vCPUs may write while we look, so a fast search only proposes where to stop; the element is then
/// read once, and that value decides both the flags and whether the repeat ends. The flags change when the instruction is
/// complete, not at a fault in between (Intel SDM Vol. 2B, REP/REPE/REPZ/REPNE/REPNZ).
/// </remarks>
internal sealed unsafe partial class Interpreter
{
    private InterpretResult ExecuteScas(in Instruction instruction, int size)
    {
        StringShape s = ShapeOf(in instruction, size, 1);
        ulong left = _r->Gpr[Rax] & (ulong.MaxValue >> (64 - (size * 8)));
        while (s.Count != 0 && s.Budget > 0)
        {
            if (!TryWindow(in s, Register.ES, Rdi, false, out StringWindow window))
            {
                return InterpretResult.Fault;
            }

            int n = 1;
            ulong right;
            if (window.Host is not null)
            {
                n = Scan(in s, window.Host, Take(in s, window.Elements), left);
                right = ReadElement(window.Host + ((long)(n - 1) * (s.Down ? -size : size)), size);
            }
            else if (!TryRead(window.Linear, size, DataAccess(false), out right))
            {
                return InterpretResult.Fault;
            }

            Step(ref s, n, source: false, destination: true);
            if (s.Count == 0 || (s.Repeat && (left == right) == s.UntilEqual))
            {
                SetStatus(CompareFlags(left, right, size));
                return Next(in instruction);
            }
        }

        return EndString(in instruction, in s);
    }

    private InterpretResult ExecuteCmps(in Instruction instruction, int size)
    {
        StringShape s = ShapeOf(in instruction, size, 0);
        while (s.Count != 0 && s.Budget > 0)
        {
            if (!TryWindow(in s, s.Segment, Rsi, false, out StringWindow first) || !TryWindow(in s, Register.ES, Rdi, false, out StringWindow second))
            {
                return InterpretResult.Fault;
            }

            int n = 1;
            ulong left;
            ulong right;
            if (first.Host is not null && second.Host is not null)
            {
                n = Compare(in s, first.Host, second.Host, Take(in s, Math.Min(first.Elements, second.Elements)));
                long last = (long)(n - 1) * (s.Down ? -size : size);
                left = ReadElement(first.Host + last, size);
                right = ReadElement(second.Host + last, size);
            }
            else
            {
                right = 0;
                if (!TryRead(first.Linear, size, DataAccess(false), out left) || !TryRead(second.Linear, size, DataAccess(false), out right))
                {
                    return InterpretResult.Fault;
                }
            }

            Step(ref s, n, source: true, destination: true);
            if (s.Count == 0 || (s.Repeat && (left == right) == s.UntilEqual))
            {
                SetStatus(CompareFlags(left, right, size));
                return Next(in instruction);
            }
        }

        return EndString(in instruction, in s);
    }

    /// <summary>How many elements there are up to and with the one that ends the search.</summary>
    private static int Scan(ref readonly StringShape s, byte* p, int n, ulong value)
    {
        if (s.Down)
        {
            int done = 1;
            for (; done < n && (ReadElement(p, s.Size) == value) != s.UntilEqual; done++)
            {
                p -= s.Size;
            }

            return done;
        }

        // SAFETY: the window proved n elements inside one RAM page (FootprintStringTests).
        return s.Size switch
        {
            1 => Find(new ReadOnlySpan<byte>(p, n), (byte)value, s.UntilEqual),
            2 => Find(new ReadOnlySpan<ushort>(p, n), (ushort)value, s.UntilEqual),
            4 => Find(new ReadOnlySpan<uint>(p, n), (uint)value, s.UntilEqual),
            _ => Find(new ReadOnlySpan<ulong>(p, n), value, s.UntilEqual),
        };
    }

    private static int Find<T>(ReadOnlySpan<T> elements, T value, bool equal)
        where T : unmanaged, IEquatable<T>
    {
        int index = equal ? elements.IndexOf(value) : elements.IndexOfAnyExcept(value);
        return index < 0 ? elements.Length : index + 1;
    }

    private static int Compare(ref readonly StringShape s, byte* p, byte* q, int n)
    {
        if (!s.Down && !s.UntilEqual)
        {
            // SAFETY: as in Scan.
            int bytes = n * s.Size;
            int same = new ReadOnlySpan<byte>(p, bytes).CommonPrefixLength(new ReadOnlySpan<byte>(q, bytes)) / s.Size;
            return Math.Min(n, same + 1);
        }

        int step = s.Down ? -s.Size : s.Size;
        int done = 1;
        for (; done < n && (ReadElement(p, s.Size) == ReadElement(q, s.Size)) != s.UntilEqual; done++)
        {
            p += step;
            q += step;
        }

        return done;
    }

    /// <summary>Replaces the six status flags.</summary>
    private void SetStatus(ulong flags) => _r->Rflags = (_r->Rflags & ~Rflags.Status) | flags;
}
