using System.Buffers.Binary;
using Bulkhead.X86.State;
using Iced.Intel;

namespace Bulkhead.Translator.Interpret;

/// <remarks>
/// FNSAVE, FRSTOR, FNSTENV, FLDENV. FIP, FDP and FOP are shown as zero: the host's hold addresses of translated code.
/// <i>Source</i>: Intel SDM Vol. 1, 8.1.10 Saving the x87 FPU's State; Figures 8-9 to 8-12.
/// </remarks>
internal sealed unsafe partial class Interpreter
{
    private const int X87Control = 0, X87Status = 2, X87Tags = 4, X87Stack = 32;
    private const ushort X87ControlInitial = 0x37F;

    private ref ushort ControlWord => ref *(ushort*)(_r->X87 + X87Control);

    private ref ushort StatusWord => ref *(ushort*)(_r->X87 + X87Status);

    private int X87Top => (StatusWord >> 11) & 7;

    /// <summary>ST(<paramref name="index"/>) in the saved image.</summary>
    private byte* X87Register(int index) => _r->X87 + X87Stack + (index * 16);

    /// <summary>Saves the x87 state for an instruction that waits: #MF where an exception is pending.</summary>
    private bool MayUseX87State()
    {
        Fault = GuestFault.Plain(GuestFault.X87Error);
        return !IsX87ErrorPending;
    }

    /// <summary>Saves the x87 state; whether an instruction that waits would raise #MF.</summary>
    internal bool IsX87ErrorPending
    {
        get
        {
            _fpu.SaveX87();
            return (StatusWord & 0x80) != 0 && (_r->Cr0 & Cr0.NE) != 0;
        }
    }

    private InterpretResult ExecuteStoreEnvironment(in Instruction instruction, int size, bool waits)
    {
        if (!TryBeginX87(waits) || !TryLinear(in instruction, size, true, out ulong linear))
        {
            return InterpretResult.Fault;
        }

        byte* image = stackalloc byte[28];
        BuildEnvironment(new Span<byte>(image, size), size == 28);
        if (!TryWriteBytes(linear, new ReadOnlySpan<byte>(image, size), DataAccess(true)))
        {
            return InterpretResult.Fault;
        }

        ControlWord |= 0x3F;
        UpdateSummary();
        _fpu.LoadX87();
        return Next(in instruction);
    }

    private InterpretResult ExecuteLoadEnvironment(in Instruction instruction, int size)
    {
        byte* image = stackalloc byte[28];
        if (!TryBeginX87(waits: true) || !TryLinear(in instruction, size, false, out ulong linear)
            || !TryReadBytes(linear, new Span<byte>(image, size), DataAccess(false)))
        {
            return InterpretResult.Fault;
        }

        TakeEnvironment(new ReadOnlySpan<byte>(image, size), size == 28);
        _fpu.LoadX87();
        return Next(in instruction);
    }

    private InterpretResult ExecuteSaveX87(in Instruction instruction, int size, bool waits)
    {
        if (!TryBeginX87(waits) || !TryLinear(in instruction, size, true, out ulong linear))
        {
            return InterpretResult.Fault;
        }

        int environment = size - 80;
        byte* image = stackalloc byte[108];
        BuildEnvironment(new Span<byte>(image, environment), environment == 28);
        for (int i = 0; i < 8; i++)
        {
            new ReadOnlySpan<byte>(X87Register(i), 10).CopyTo(new Span<byte>(image + environment + (i * 10), 10));
        }

        if (!TryWriteBytes(linear, new ReadOnlySpan<byte>(image, size), DataAccess(true)))
        {
            return InterpretResult.Fault;
        }

        // As FNINIT: the registers keep what they hold, but are empty.
        SetX87Top(0);
        ControlWord = X87ControlInitial;
        StatusWord = 0;
        _r->X87[X87Tags] = 0;
        _fpu.LoadX87();
        return Next(in instruction);
    }

    private InterpretResult ExecuteRestoreX87(in Instruction instruction, int size)
    {
        int environment = size - 80;
        byte* image = stackalloc byte[108];
        if (!TryBeginX87(waits: true) || !TryLinear(in instruction, size, false, out ulong linear)
            || !TryReadBytes(linear, new Span<byte>(image, size), DataAccess(false)))
        {
            return InterpretResult.Fault;
        }

        TakeEnvironment(new ReadOnlySpan<byte>(image, environment), environment == 28);
        for (int i = 0; i < 8; i++)
        {
            new ReadOnlySpan<byte>(image + environment + (i * 10), 10).CopyTo(new Span<byte>(X87Register(i), 10));
        }

        _fpu.LoadX87();
        return Next(in instruction);
    }

    private bool TryBeginX87(bool waits)
    {
        if (!MayUse(Cr0.TS | Cr0.EM))
        {
            return false;
        }

        return MayUseX87State() || !waits;
    }

    private void BuildEnvironment(Span<byte> image, bool wide)
    {
        image.Clear();
        if (wide)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(image, 0xFFFF0000u | ControlWord);
            BinaryPrimitives.WriteUInt32LittleEndian(image[4..], 0xFFFF0000u | StatusWord);
            BinaryPrimitives.WriteUInt32LittleEndian(image[8..], 0xFFFF0000u | FullTags());
            BinaryPrimitives.WriteUInt32LittleEndian(image[24..], 0xFFFF0000u);
            return;
        }

        BinaryPrimitives.WriteUInt16LittleEndian(image, ControlWord);
        BinaryPrimitives.WriteUInt16LittleEndian(image[2..], StatusWord);
        BinaryPrimitives.WriteUInt16LittleEndian(image[4..], FullTags());
    }

    private void TakeEnvironment(ReadOnlySpan<byte> image, bool wide)
    {
        int step = wide ? 4 : 2;
        ushort control = BinaryPrimitives.ReadUInt16LittleEndian(image);
        ushort status = BinaryPrimitives.ReadUInt16LittleEndian(image[step..]);
        ushort tags = BinaryPrimitives.ReadUInt16LittleEndian(image[(step * 2)..]);
        SetX87Top((status >> 11) & 7);
        ControlWord = control;
        StatusWord = status;
        int abridged = 0;
        for (int i = 0; i < 8; i++)
        {
            abridged |= ((tags >> (i * 2)) & 3) != 3 ? 1 << i : 0;
        }

        _r->X87[X87Tags] = (byte)abridged;
        ClearPointers();
        UpdateSummary();
    }

    /// <summary>Moves TOP while every physical register keeps its contents (the image is in stack order).</summary>
    private void SetX87Top(int top)
    {
        int turn = (top - X87Top) & 7;
        if (turn != 0)
        {
            byte* old = stackalloc byte[128];
            new ReadOnlySpan<byte>(X87Register(0), 128).CopyTo(new Span<byte>(old, 128));
            for (int i = 0; i < 8; i++)
            {
                new ReadOnlySpan<byte>(old + (((i + turn) & 7) * 16), 16).CopyTo(new Span<byte>(X87Register(i), 16));
            }
        }

        StatusWord = (ushort)((StatusWord & ~0x3800) | (top << 11));
    }

    /// <summary>FOP, FIP and FDP.</summary>
    private void ClearPointers() => new Span<byte>(_r->X87 + 6, 18).Clear();

    /// <summary>ES and B say whether an unmasked exception is pending.</summary>
    private void UpdateSummary()
    {
        bool pending = (StatusWord & ~ControlWord & 0x3F) != 0;
        StatusWord = (ushort)(pending ? StatusWord | 0x8080 : StatusWord & ~0x8080);
    }

    /// <summary>Two bits per physical register: valid, zero, special, empty.</summary>
    private ushort FullTags()
    {
        int tags = 0;
        int top = X87Top;
        for (int i = 0; i < 8; i++)
        {
            int tag = 3;
            if (((_r->X87[X87Tags] >> i) & 1) != 0)
            {
                byte* p = X87Register((i - top) & 7);
                ulong significand = *(ulong*)p;
                int exponent = *(ushort*)(p + 8) & 0x7FFF;
                tag = exponent == 0 && significand == 0 ? 1 : exponent is 0 or 0x7FFF || (significand >> 63) == 0 ? 2 : 0;
            }

            tags |= tag << (i * 2);
        }

        return (ushort)tags;
    }
}
