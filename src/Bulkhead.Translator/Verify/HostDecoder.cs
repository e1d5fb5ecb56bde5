using System.Buffers.Binary;

namespace Bulkhead.Translator.Verify;

/// <summary>A second decoder of 64-bit code, from the manual's opcode maps: lengths and fields, nothing else.</summary>
/// <remarks>
/// It exists so that the verifier does not rest on one decoder alone. It refuses what emitted code never holds: EVEX, XOP, 3DNow!
/// and 0F 78 (VMREAD, or EXTRQ with two immediates), prefixes given twice or after REX, branches with a 66 prefix (whose length the vendors disagree on).
/// <i>Source</i>: Intel SDM Vol. 2, Appendix A Opcode Map, A.3 One, Two, and Three-Byte Opcode Maps.
/// </remarks>
internal static class HostDecoder
{
    // m ModRM; b imm8; z imm16/32; B ModRM imm8; Z ModRM imm16/32; . nothing; w imm16; g ModRM, imm8 when reg is 0 or 1; G
    // likewise imm16/32; v imm16/32/64; o an address; n imm16 imm8; j rel32; c ModRM that always names registers; x not here.
    private const string OneByte =
        "mmmmbzxxmmmmbzxx" +
        "mmmmbzxxmmmmbzxx" +
        "mmmmbzxxmmmmbzxx" +
        "mmmmbzxxmmmmbzxx" +
        "xxxxxxxxxxxxxxxx" +
        "................" +
        "xxxmxxxxzZbB...." +
        "bbbbbbbbbbbbbbbb" +
        "BZxBmmmmmmmmmmmm" +
        "..........x....." +
        "oooo....bz......" +
        "bbbbbbbbvvvvvvvv" +
        "BBw.xxBZn.w..bx." +
        "mmmmxxx.mmmmmmmm" +
        "bbbbbbbbjjxb...." +
        "x.xx..gG......mm";

    private const string TwoByte =
        "mmmmx.....x.xm.x" +
        "mmmmmmmmmmmmmmmm" +
        "ccccxxxxmmmmmmmm" +
        "......x.xxxxxxxx" +
        "mmmmmmmmmmmmmmmm" +
        "mmmmmmmmmmmmmmmm" +
        "mmmmmmmmmmmmmmmm" +
        "BBBBmmm.xxxxmmmm" +
        "jjjjjjjjjjjjjjjj" +
        "mmmmmmmmmmmmmmmm" +
        "...mBmxx...mBmmm" +
        "mmmmmmmmmmBmmmmm" +
        "mmBmBBBm........" +
        "mmmmmmmmmmmmmmmm" +
        "mmmmmmmmmmmmmmmm" +
        "mmmmmmmmmmmmmmmm";

    /// <summary>Decodes the instruction at the start of <paramref name="code"/>; false: not one this decoder knows.</summary>
    internal static bool TryDecode(ReadOnlySpan<byte> code, out HostInstruction instruction)
    {
        var reader = new Fields(code);
        bool ok = reader.Read();
        instruction = ok ? reader.Result() : default;
        return ok;
    }

    private ref struct Fields(ReadOnlySpan<byte> code)
    {
        private readonly ReadOnlySpan<byte> _code = code;
        private int _at;
        private int _map;
        private byte _opcode;
        private int _rex;
        private bool _vex;
        private bool _operand16;
        private bool _address32;
        private bool _lock;
        private byte _repeat;
        private byte _segment;
        private bool _hasModRm;
        private int _mod = 3;
        private int _reg;
        private int _rm;
        private int _base = -1;
        private int _index = -1;
        private int _scale = 1;
        private int _displacement;
        private int _immediate;

        internal readonly HostInstruction Result() => new()
        {
            Length = _at,
            Map = _map,
            Opcode = _opcode,
            Vex = _vex,
            W = (_rex & 8) != 0,
            Operand16 = _operand16,
            Address32 = _address32,
            Repeat = _repeat,
            Lock = _lock,
            Segment = _segment,
            HasModRm = _hasModRm,
            Mod = _mod,
            Reg = _reg,
            Rm = _rm,
            Base = _base,
            Index = _index,
            Scale = _scale,
            Displacement = _displacement,
            ImmediateBytes = _immediate,
        };

        internal bool Read()
        {
            char form = ReadPrefixes() && ReadOpcode() ? Form() : 'x';
            if (form == 'x' || (form == 'j' && _operand16))
            {
                return false;
            }

            if (form is 'm' or 'B' or 'Z' or 'g' or 'G' or 'c' && !ReadModRm(form == 'c'))
            {
                return false;
            }

            if (_map == 0 && _opcode == 0x8F && _reg != 0)
            {
                return false; // XOP
            }

            int word = _operand16 && (_rex & 8) == 0 ? 2 : 4;
            _immediate = form switch
            {
                'b' or 'B' => 1,
                'w' => 2,
                'n' => 3,
                'j' => 4,
                'z' or 'Z' => word,
                'g' => (_reg & 6) == 0 ? 1 : 0,
                'G' => (_reg & 6) == 0 ? word : 0,
                'v' => (_rex & 8) != 0 ? 8 : word,
                'o' => _address32 ? 4 : 8,
                _ => 0,
            };
            _at += _immediate;
            return _at <= _code.Length && _at <= 15;
        }

        private readonly char Form() => _map switch
        {
            0 => OneByte[_opcode],
            1 => TwoByte[_opcode] is 'j' or 'c' && _vex ? 'x' : TwoByte[_opcode],
            2 => 'm',
            _ => 'B',
        };

        private bool ReadPrefixes()
        {
            while (TryByte(out byte b))
            {
                switch (b)
                {
                    case 0x66 when !_operand16:
                        _operand16 = true;
                        break;
                    case 0x67 when !_address32:
                        _address32 = true;
                        break;
                    case 0xF0 when !_lock:
                        _lock = true;
                        break;
                    case 0xF2 or 0xF3 when _repeat == 0:
                        _repeat = b;
                        break;
                    case 0x26 or 0x2E or 0x36 or 0x3E or 0x64 or 0x65 when _segment == 0 || (_segment == b && b == Emit.CodeWriter.BranchPrefix):
                        _segment = b;
                        break;
                    case >= 0x40 and <= 0x4F:
                        _rex = b & 15;
                        return TryByte(out _opcode) && _opcode is not (0xC4 or 0xC5);
                    default:
                        _opcode = b;
                        return true;
                }
            }

            return false;
        }

        private bool ReadOpcode()
        {
            if (_opcode is 0xC4 or 0xC5)
            {
                return ReadVex();
            }

            if (_opcode != 0x0F)
            {
                return true;
            }

            _map = 1;
            if (!TryByte(out _opcode))
            {
                return false;
            }

            if (_opcode is not (0x38 or 0x3A))
            {
                return true;
            }

            _map = _opcode == 0x38 ? 2 : 3;
            return TryByte(out _opcode);
        }

        private bool ReadVex()
        {
            if (_operand16 || _lock || _repeat != 0)
            {
                return false;
            }

            _vex = true;
            _map = 1;
            byte second = 0;
            if (!TryByte(out byte first) || (_opcode == 0xC4 && !TryByte(out second)))
            {
                return false;
            }

            _rex = (first & 0x80) == 0 ? 4 : 0;
            byte last = first;
            if (_opcode == 0xC4)
            {
                _rex |= ((first & 0x40) == 0 ? 2 : 0) | ((first & 0x20) == 0 ? 1 : 0) | ((second & 0x80) != 0 ? 8 : 0);
                _map = first & 31;
                last = second;
            }

            return _map is >= 1 and <= 3 && TryByte(out _opcode);
        }

        private bool ReadModRm(bool registers)
        {
            if (!TryByte(out byte b))
            {
                return false;
            }

            _hasModRm = true;
            _mod = registers ? 3 : b >> 6;
            _reg = ((b >> 3) & 7) | ((_rex & 4) << 1);
            int rm = b & 7;
            _rm = rm | ((_rex & 1) << 3);
            if (_mod == 3)
            {
                return true;
            }

            _base = _rm;
            if (rm == 4)
            {
                if (!TryByte(out byte sib))
                {
                    return false;
                }

                _scale = 1 << (sib >> 6);
                _index = ((sib >> 3) & 7) | ((_rex & 2) << 2);
                _index = _index == 4 ? -1 : _index;
                rm = sib & 7;
                _base = rm | ((_rex & 1) << 3);
                if (rm == 5 && _mod == 0)
                {
                    _base = -1;
                    return TryDisplacement(4);
                }
            }
            else if (rm == 5 && _mod == 0)
            {
                _base = HostInstruction.Rip;
                return TryDisplacement(4);
            }

            return _mod == 0 || TryDisplacement(_mod == 1 ? 1 : 4);
        }

        private bool TryDisplacement(int bytes)
        {
            if (_at + bytes > _code.Length)
            {
                return false;
            }

            _displacement = bytes == 1 ? (sbyte)_code[_at] : BinaryPrimitives.ReadInt32LittleEndian(_code[_at..]);
            _at += bytes;
            return true;
        }

        private bool TryByte(out byte b)
        {
            if (_at < _code.Length)
            {
                b = _code[_at++];
                return true;
            }

            b = 0;
            return false;
        }
    }
}
