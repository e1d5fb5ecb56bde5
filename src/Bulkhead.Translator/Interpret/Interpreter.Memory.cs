using System.Diagnostics;
using System.Runtime.InteropServices;
using Bulkhead.Core.Io;
using Bulkhead.Core.Memory;
using Bulkhead.X86.Engine;
using Bulkhead.X86.Memory;
using Bulkhead.X86.State;
using Iced.Intel;

namespace Bulkhead.Translator.Interpret;

/// <remarks>Linear memory. Every method that returns false has put the exception into <see cref="Fault"/> and done nothing.</remarks>
internal sealed unsafe partial class Interpreter
{
    private const int PageSize = 4096;

    /// <summary>Where MMIO goes: the <c>io</c> of the last <see cref="Execute"/>; the engine sets it before it calls anything else here.</summary>
    internal ICpuIo? Io { get; set; }

    /// <summary>The rights of a data access by the current code.</summary>
    internal Access DataAccess(bool write)
    {
        Access access = write ? Access.Write : Access.Read;
        if (_r->Cpl == 3)
        {
            return access | Access.User;
        }

        return (_r->Rflags & Rflags.AC) != 0 ? access | Access.SmapExempt : access;
    }

    /// <summary>The offset a ModRM memory operand names, cut to the address size; the segment base is not in it.</summary>
    internal ulong EffectiveOffset(in Instruction instruction)
    {
        Register baseRegister = instruction.MemoryBase;
        Register indexRegister = instruction.MemoryIndex;
        ulong offset = instruction.MemoryDisplacement64;
        if (baseRegister is not (Register.None or Register.RIP or Register.EIP))
        {
            offset += ReadRegister(baseRegister);
        }

        if (indexRegister is >= Register.AX and <= Register.R15)
        {
            offset += ReadRegister(indexRegister) * (ulong)instruction.MemoryIndexScale;
        }

        return AddressSize(in instruction) switch
        {
            2 => (ushort)offset,
            4 => (uint)offset,
            _ => offset,
        };
    }

    /// <summary>The address size of a ModRM memory operand in bytes.</summary>
    internal int AddressSize(in Instruction instruction)
    {
        Register register = instruction.MemoryBase != Register.None ? instruction.MemoryBase : instruction.MemoryIndex;
        switch (register)
        {
            case (>= Register.RAX and <= Register.R15) or Register.RIP:
                return 8;
            case (>= Register.EAX and <= Register.R15D) or Register.EIP:
                return 4;
            case >= Register.AX and <= Register.R15W:
                return 2;
        }

        return instruction.MemoryDisplSize switch
        {
            2 => 2,
            4 => 4,
            8 => 8,
            _ => _r->CodeBits / 8,
        };
    }

    /// <summary>The linear address of a ModRM memory operand that is accessed, with the segment's checks for <paramref name="size"/> bytes.</summary>
    internal bool TryLinear(in Instruction instruction, int size, bool write, out ulong linear) =>
        TryLinear(instruction.MemorySegment, EffectiveOffset(in instruction), size, write, out linear);

    /// <summary>The linear address of an operand that is accessed: <see cref="TryAddress"/>, and breakpoints see it.</summary>
    /// <remarks>Tables, task segments and the frames of exceptions are not operands and do not come here.</remarks>
    internal bool TryLinear(Register segment, ulong offset, int size, bool write, out ulong linear)
    {
        if (!TryAddress(segment, offset, size, write, out linear))
        {
            return false;
        }

        Breakpoints.NoteAccess(linear, size, write);
        return true;
    }

    /// <summary>The linear address of an offset in a segment, with the segment's checks (limit, type, null, canonical).</summary>
    internal bool TryAddress(Register segment, ulong offset, int size, bool write, out ulong linear)
    {
        ref Segment s = ref SegmentOf(SegmentOf(segment));
        if (_r->Code64)
        {
            linear = segment is Register.FS or Register.GS ? s.Base + offset : offset;
            if (Canonical.Is(linear) && Canonical.Is(linear + (ulong)size - 1))
            {
                return true;
            }
        }
        else
        {
            linear = (uint)(s.Base + offset);
            if (InSegment(in s, (uint)offset, (uint)size, write))
            {
                return true;
            }
        }

        Fault = segment == Register.SS ? GuestFault.WithCode(GuestFault.StackFault, 0) : GuestFault.Gp();
        return false;
    }

    /// <summary>ES..GS as an index; anything else is DS.</summary>
    internal static SegmentIndex SegmentOf(Register register) =>
        register is >= Register.ES and <= Register.GS ? (SegmentIndex)(register - Register.ES) : SegmentIndex.Ds;

    /// <summary>Reads 1 to 8 bytes, zero-extended.</summary>
    internal bool TryRead(ulong linear, int size, Access access, out ulong value)
    {
        value = 0;
        return TryReadBytes(linear, MemoryMarshal.AsBytes(new Span<ulong>(ref value))[..size], access);
    }

    /// <summary>Writes the low 1 to 8 bytes of a value.</summary>
    internal bool TryWrite(ulong linear, int size, Access access, ulong value) =>
        TryWriteBytes(linear, MemoryMarshal.AsBytes(new Span<ulong>(ref value))[..size], access);

    /// <summary>Reads up to a page of bytes; both pages are translated before any byte is read.</summary>
    internal bool TryReadBytes(ulong linear, Span<byte> data, Access access)
    {
        if (!TryTranslateRange(linear, data.Length, access, out Gpa first, out Gpa second, out int firstLength))
        {
            return false;
        }

        ReadPhysical(first, data[..firstLength]);
        if (firstLength < data.Length)
        {
            ReadPhysical(second, data[firstLength..]);
        }

        return true;
    }

    /// <summary>Writes up to a page of bytes; both pages are translated before any byte is written.</summary>
    internal bool TryWriteBytes(ulong linear, ReadOnlySpan<byte> data, Access access)
    {
        if (!TryTranslateRange(linear, data.Length, access | Access.Write, out Gpa first, out Gpa second, out int firstLength))
        {
            return false;
        }

        WritePhysical(first, data[..firstLength]);
        if (firstLength < data.Length)
        {
            WritePhysical(second, data[firstLength..]);
        }

        return true;
    }

    /// <summary>Whether up to a page of bytes could be accessed now; sets A (and D for writes) as the access would.</summary>
    internal bool TryProbe(ulong linear, int size, Access access) =>
        TryTranslateRange(linear, size, access, out _, out _, out _);

    /// <summary>Translates one address.</summary>
    internal bool TryTranslate(ulong linear, Access access, out Gpa address)
    {
        linear = _r->LongMode ? linear : (uint)linear;
        if (_tlb.TryFind(linear, access, out address))
        {
            return true;
        }

        if (PageWalker.TryWalk(_memory, in *_r, linear, access, out Translation t, out GuestFault fault))
        {
            _tlb.Keep(linear, access, t);
            address = t.Address;
            return true;
        }

        Fault = fault;
        address = default;
        return false;
    }

    /// <summary>Reads physical memory inside one page: RAM, else MMIO in the largest pieces a bus takes.</summary>
    internal void ReadPhysical(Gpa address, Span<byte> data)
    {
        if (!_memory.TryRead(address, data))
        {
            ReadDevice(address, data);
        }
    }

    /// <summary>The same where there is no RAM.</summary>
    internal void ReadDevice(Gpa address, Span<byte> data)
    {
        while (data.Length > 0)
        {
            int n = BusPiece(address, data.Length);
            _exits.Add(ExitReason.EptViolation);
            if (Io?.ReadMmio(address, data[..n]) != IoResult.Ok)
            {
                data[..n].Fill(0xFF);
            }

            address += (ulong)n;
            data = data[n..];
        }
    }

    /// <summary>Writes physical memory inside one page.</summary>
    internal void WritePhysical(Gpa address, ReadOnlySpan<byte> data)
    {
        if (_memory.TryWrite(address, data))
        {
            return;
        }

        while (data.Length > 0)
        {
            int n = BusPiece(address, data.Length);
            _exits.Add(ExitReason.EptViolation);
            _ = Io?.WriteMmio(address, data[..n]);
            address += (ulong)n;
            data = data[n..];
        }
    }

    private bool TryTranslateRange(ulong linear, int length, Access access, out Gpa first, out Gpa second, out int firstLength)
    {
        Debug.Assert(length <= PageSize, "Blocks span at most two pages.");
        second = default;
        firstLength = Math.Min(length, PageSize - (int)(linear & (PageSize - 1)));
        if (!TryTranslate(linear, access, out first))
        {
            return false;
        }

        if (firstLength == length)
        {
            return true;
        }

        // Addresses of 32-bit code wrap; those of system tables are wider in compatibility mode too.
        ulong next = linear + (ulong)firstLength;
        return TryTranslate(_r->Code64 || linear > uint.MaxValue ? next : (uint)next, access, out second);
    }

    private bool InSegment(ref readonly Segment s, uint offset, uint size, bool write)
    {
        bool protectedMode = (_r->Cr0 & Cr0.PE) != 0;
        bool code = (s.Type & 8) != 0;
        if (protectedMode)
        {
            // Code is never writable and readable only with its R bit; data is writable with its W bit.
            if (s.Unusable || (write ? code || (s.Type & 2) == 0 : code && (s.Type & 2) == 0))
            {
                return false;
            }
        }

        uint last = offset + (size - 1);
        if (last < offset)
        {
            // Only a flat segment lets an access wrap around 4 GiB.
            return s.Limit == uint.MaxValue && !(protectedMode && !code && (s.Type & 4) != 0);
        }

        if (protectedMode && !code && (s.Type & 4) != 0)
        {
            return offset > s.Limit && last <= (s.Big ? uint.MaxValue : 0xFFFF);
        }

        return last <= s.Limit;
    }

    private static int BusPiece(Gpa address, int length)
    {
        int n = length >= 8 ? 8 : length >= 4 ? 4 : length >= 2 ? 2 : 1;
        while (((int)address.Value & (n - 1)) != 0)
        {
            n >>= 1;
        }

        return n;
    }
}
